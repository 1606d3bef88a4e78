//! The controller's half of `uri`: a file of the controller that is to be sent goes along.

use rplay_module_api::Json;

use super::source_file;
use super::{ActionResult, Invocation, module};

pub async fn run(invocation: &Invocation<'_>) -> ActionResult {
    if invocation.check {
        return ActionResult::skipped_because("remote module (uri) does not support check mode");
    }
    let mut call = module::call(invocation, "uri");
    if let Some(src) = invocation.text("src").filter(|_| !invocation.bool("remote_src")) {
        let prepared = source_file::find(invocation, "files", src)
            .and_then(|found| source_file::prepare(invocation, &found, false));
        match prepared {
            Ok(prepared) => {
                call.args.insert("_upload".into(), Json::Bool(true));
                call.files.push(("src".to_owned(), prepared.source));
            }
            Err(message) => return ActionResult::failed(message),
        }
    }
    module::finish(invocation, invocation.target.module_result(call).await)
}
