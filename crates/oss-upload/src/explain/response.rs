//! The captured response to an upload: what OSS said, and whether the page could read it.

use crate::explain::View;
use crate::explain::capture::{Capture, CapturedAnswer};
use crate::explain::refusal::{self, KnownRefusal};
use crate::language::Language;

/// The code of a preflight request that no CORS rule allows.
const CORS_CODE: &str = "AccessForbidden";

/// Explains the responses to an upload and to its preflight request.
pub(super) fn explain(capture: &Capture, view: &View) -> Vec<String> {
    let mut said = Vec::new();
    let refused = capture.preflight.as_ref().filter(|preflight| !preflight.is_success());
    if let Some(preflight) = refused {
        said.push(String::new());
        said.extend(cors(preflight, view));
    }
    let Some(answer) = &capture.answer else {
        return said;
    };
    said.push(String::new());
    if let Some(refusal) = refusal_of(answer) {
        said.push(view.language.choose("The captured answer:", "捕获的返回：").to_owned());
        said.extend(refusal::explain(&refusal, view));
    } else if answer.status > 0 {
        said.push(view.language.choose(
            format!("The captured answer: {}", answer.status),
            format!("捕获的返回：{}", answer.status),
        ));
    }
    let origin = capture.head.as_ref().and_then(|head| head.header("origin"));
    if let Some(origin) = origin.filter(|_| refused.is_none()) {
        said.extend(unreadable(answer, origin, view.language));
    }
    if said.last().is_some_and(String::is_empty) {
        said.pop();
    }
    said
}

/// Explains a preflight request that was refused, so that the browser sent no upload.
pub(super) fn refused_preflight(url: &str, answer: &CapturedAnswer, view: &View) -> Vec<String> {
    let mut said = vec![view.language.choose(
        format!("The browser sent no upload to {url}: its preflight request was refused."),
        format!("浏览器没有向 {url} 发送上传请求：预检请求被拒绝。"),
    )];
    said.extend(cors(answer, view));
    said
}

/// Names the fault of a refused preflight request.
fn cors(answer: &CapturedAnswer, view: &View) -> Vec<String> {
    let status = answer.status;
    let mut said = vec![view.language.choose(
        format!("This is a CORS fault: the preflight request (OPTIONS) got {status}."),
        format!("这是跨域（CORS）问题：预检请求（OPTIONS）的返回为 {status}。"),
    )];
    let refusal = refusal_of(answer).or_else(|| KnownRefusal::named(Some(CORS_CODE), None));
    said.extend(refusal.iter().flat_map(|refusal| refusal::explain(refusal, view)));
    said
}

fn refusal_of(answer: &CapturedAnswer) -> Option<KnownRefusal> {
    let by_header = || KnownRefusal::named(None, answer.header("x-oss-ec"));
    KnownRefusal::in_xml(&answer.text).or_else(by_header)
}

/// Says that the page could not read the response.
fn unreadable(answer: &CapturedAnswer, origin: &str, language: Language) -> Option<String> {
    if answer.status == 0 {
        return Some(language.choose(
            "The browser shows no answer: either the network failed, or no CORS rule of the bucket names \
             the page, so that the answer could not be read. The object may be stored all the same."
                .to_owned(),
            "浏览器没有显示返回：可能是网络故障，也可能是存储空间没有允许该页面的跨域规则，导致返回无法读取。\
             对象可能已经存储。"
                .to_owned(),
        ));
    }
    let allowed = answer.header("access-control-allow-origin");
    if allowed.is_some() || answer.headers.is_empty() {
        return None;
    }
    Some(language.choose(
        format!(
            "This is a CORS fault: the answer has no Access-Control-Allow-Origin, so the page {origin} could \
             not read it. Add a CORS rule with this origin and the method POST to the bucket."
        ),
        format!(
            "这是跨域（CORS）问题：返回中没有 Access-Control-Allow-Origin，页面 {origin} 无法读取。\
             请为存储空间添加允许该来源和 POST 方法的跨域规则。"
        ),
    ))
}
