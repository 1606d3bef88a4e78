//! What the server answers: a ping, posts as JSON, and a page made of what is in the database.

use std::error::Error;

use serde::Deserialize;
use serde_json::json;

use crate::{
    config::Config,
    http::{Request, Response},
    store::{Post, Store},
};

const JSON: &str = "application/json";

#[derive(Deserialize)]
struct NewPost {
    message: String,
    #[serde(default)]
    author: String,
}

pub fn answer(config: &Config, store: &Store, request: &Request) -> Response {
    let result = match (request.method.as_str(), request.path.as_str()) {
        ("GET" | "HEAD", "/api/v4/system/ping") => Ok(ping(store, request)),
        ("GET" | "HEAD", "/api/v4/posts") => posts(store),
        ("POST", "/api/v4/posts") => add_post(store, request),
        ("GET" | "HEAD", "/") => page(config, store, request),
        _ => Ok(Response {
            status: "404 Not Found",
            content_type: JSON,
            body: json!({"message": "no such page"}).to_string(),
        }),
    };
    result.unwrap_or_else(|err| {
        eprintln!("{err}");
        Response {
            status: "500 Internal Server Error",
            content_type: JSON,
            body: json!({"message": err.to_string()}).to_string(),
        }
    })
}

fn ping(store: &Store, request: &Request) -> Response {
    if !request.query.contains("get_server_status=true") {
        return Response { status: "200 OK", content_type: JSON, body: json!({"status": "OK"}).to_string() };
    }
    let (status, word) = if store.answers() { ("200 OK", "OK") } else { ("500 Internal Server Error", "UNHEALTHY") };
    let body = json!({"status": word, "database_status": word}).to_string();
    Response { status, content_type: JSON, body }
}

fn posts(store: &Store) -> Result<Response, Box<dyn Error>> {
    let posts: Vec<_> =
        store.posts()?.into_iter().map(|post| json!({"author": post.author, "message": post.message})).collect();
    Ok(Response { status: "200 OK", content_type: JSON, body: json!(posts).to_string() })
}

fn add_post(store: &Store, request: &Request) -> Result<Response, Box<dyn Error>> {
    let Ok(NewPost { message, author }) = serde_json::from_slice(&request.body) else {
        let body = json!({"message": "expected an object with `message`"}).to_string();
        return Ok(Response { status: "400 Bad Request", content_type: JSON, body });
    };
    store.add_post(&Post { author, message })?;
    Ok(Response { status: "201 Created", content_type: JSON, body: json!({"status": "OK"}).to_string() })
}

fn page(config: &Config, store: &Store, request: &Request) -> Result<Response, Box<dyn Error>> {
    let views = store.count_view(request.visitor())?;
    let place = store.place()?;
    let posts: String = store
        .posts()?
        .iter()
        .map(|post| format!("<li>{}: {}</li>\n", escape(&post.author), escape(&post.message)))
        .collect();
    let site = escape(&config.team_settings.site_name);
    let host = escape(request.header("host").unwrap_or_default());
    let body = format!(
        "<!DOCTYPE html>\n<html>\n<head><title>{site}</title></head>\n<body>\n<h1>{site}</h1>\n\
         <p>Mattermost stand-in, asked for {host}</p>\n\
         <p>database {} on {}, PostgreSQL {}</p>\n<p>page views: {views}</p>\n<ul>\n{posts}</ul>\n</body>\n</html>\n",
        escape(&place.database),
        escape(&place.server),
        escape(&place.version),
    );
    Ok(Response { status: "200 OK", content_type: "text/html; charset=utf-8", body })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
