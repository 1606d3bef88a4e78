//! The controller's half of `unarchive`: sends an archive of the controller with the module.

use rplay_module_api::Json;

use super::source_file;
use super::{ActionResult, FailedIn, Invocation, module};

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    let mut call = module::call(invocation, "unarchive");
    let on_target = invocation.bool("remote_src") || !invocation.bool("copy");
    if let Some(src) = invocation.text("src").filter(|_| !on_target) {
        let prepared = source_file::find(invocation, "files", src).and_then(|path| {
            let prepared = source_file::prepare(invocation, &path, invocation.bool("decrypt"))?;
            Ok((path, prepared))
        });
        match prepared {
            Ok((path, prepared)) => {
                call.args.insert("src".into(), Json::from(path.to_string_lossy()));
                call.args.insert("_upload".into(), Json::Bool(true));
                call.files.push(("src".to_owned(), prepared.source));
            }
            Err(message) => return ActionResult::failed_in(FailedIn::Task, message),
        }
    }
    module::finish(invocation, invocation.target.module_result(call).await)
}
