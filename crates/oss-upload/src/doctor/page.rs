//! Checks of the access to the signer: by the page, by a page of a foreign origin, and by callers without
//! the page's token.

use http::header;

use crate::doctor::cors::{CorsAccess, lists};
use crate::doctor::finding::Finding;
use crate::doctor::signer_response::{
    ApiProblem, FormResponse, is_about_caller, single_line, unreachable,
};
use crate::doctor::target::{DoctorTarget, FOREIGN_ORIGIN};
use crate::http_client::{WebClient, WebRequest, WebResponse};
use crate::language::{Text, text};

const PREFLIGHT: &str = "page.preflight";
pub(super) const CALL: &str = "page.call";
const FOREIGN: &str = "page.foreign";
const UNPROVEN: &str = "caller.unproven";
const NOBODY: &str = "caller.nobody";

/// Creates the request for a form, by a page of `origin` or by a program.
pub(super) fn form_request(doctor: &DoctorTarget, body: &str, origin: Option<&str>) -> WebRequest {
    let request = WebRequest::post_json(doctor.url("/uploads"), body.to_owned());
    match origin {
        Some(origin) if origin == doctor.origin => doctor.as_page(request),
        Some(origin) => request.of_page(origin, Some(&format!("{origin}/"))),
        None => request,
    }
}

/// Sends the preflight request that the browser sends before the call.
pub(super) async fn preflight(doctor: &DoctorTarget, client: &WebClient) -> Finding {
    let mut names = vec!["content-type"];
    names.extend(doctor.credentials.iter().map(|(name, _)| *name));
    names.sort_unstable();
    let request = doctor
        .as_page(WebRequest::preflight(doctor.url("/uploads")))
        .header("access-control-request-headers", &names.join(","));
    let finding = match client.send(request).await {
        Ok(response) => check_preflight(doctor, &response, &names),
        Err(error) => unreachable(PREFLIGHT, &error),
    };
    // Browsers send no preflight request for the signer's own page, but other pages may follow.
    if doctor.is_own_page { finding.into_warning() } else { finding }
}

fn check_preflight(doctor: &DoctorTarget, response: &WebResponse, names: &[&str]) -> Finding {
    let (id, status) = (PREFLIGHT, response.status.as_u16());
    let access = CorsAccess::of(&response.headers, &doctor.origin);
    if let Some(problem) = ApiProblem::parse(response).filter(|_| !access.is_allowed()) {
        return refused(id, doctor, &problem);
    }
    match access {
        CorsAccess::Duplicate => return duplicate_header(id, response),
        CorsAccess::OtherOrigin(other) => return other_origin(id, &other),
        CorsAccess::Missing => return no_cors_headers(status),
        CorsAccess::Allowed { .. } => {}
    }
    if !response.status.is_success() {
        let seen = text!(
            "the response to OPTIONS /uploads is {status}",
            "OPTIONS /uploads 的响应为 {status}"
        );
        return Finding::fail(id, seen)
            .cause("preflight-status")
            .why(text!(
                "Browsers continue only if the status is 200 to 299, whatever the headers say.",
                "无论响应头如何，只有状态码为 200 到 299 时浏览器才会继续。"
            ))
            .fix(text!(
                "Check what is between the browser and the function; the function responds with 204.",
                "请检查浏览器与函数之间的设备或服务；函数本身返回 204。"
            ));
    }
    match names.iter().find(|name| !is_header_allowed(response, name)) {
        None => Finding::ok(
            id,
            text!(
                "the response to OPTIONS /uploads is {status}, and the page may call",
                "OPTIONS /uploads 的响应为 {status}，页面可以调用"
            ),
        ),
        Some(name) => Finding::fail(
            id,
            text!("the header {name} is not an allowed header", "请求头 {name} 不在允许之列"),
        )
        .cause("header-not-allowed")
        .why(text!(
            "The page sends the header with its call, so the browser does not make the call.",
            "页面调用时会发送此请求头，因此浏览器不会发出调用。"
        ))
        .fix(text!(
            "The function allows it; check what responds to OPTIONS in its place, such as a gateway \
             or a CDN.",
            "函数本身允许它；请检查代替函数响应 OPTIONS 的网关或 CDN。"
        )),
    }
}

fn is_header_allowed(response: &WebResponse, name: &str) -> bool {
    let allowed = header::ACCESS_CONTROL_ALLOW_HEADERS;
    // The asterisk allows every header but Authorization.
    let all = lists(&response.headers, allowed.clone(), "*") && name != "authorization";
    all || lists(&response.headers, allowed, name)
}

/// Creates the finding of a preflight request that did not reach the function, which would have sent CORS
/// headers or an error.
fn no_cors_headers(status: u16) -> Finding {
    let seen = text!(
        "the response to OPTIONS /uploads is {status} without CORS headers, and it is not one of the \
         function",
        "OPTIONS /uploads 的响应为 {status}，没有 CORS 响应头，且不是函数的响应"
    );
    Finding::fail(PREFLIGHT, seen)
        .cause("missing-options-method")
        .why(text!(
            "A browser sends this request before each call from a page of another origin. It is \
             refused, so the call is never made.",
            "页面来源不同时，浏览器在每次调用前都会发送此请求。请求被拒绝，因此不会发出调用。"
        ))
        .fix(text!(
            "Function Compute console > Functions > the function > Triggers > the HTTP trigger > \
             Edit: add OPTIONS to the request methods (s.yaml: methods GET, HEAD, POST, DELETE, OPTIONS). \
             For a custom domain, do the same with the methods of its route.",
            "函数计算控制台 > 函数 > 该函数 > 触发器 > HTTP 触发器 > 编辑：在请求方法中加入 \
             OPTIONS（s.yaml：methods GET、HEAD、POST、DELETE、OPTIONS）。使用自定义域名时，路由的请求方法也要如此设置。"
        ))
}

fn duplicate_header(id: &'static str, response: &WebResponse) -> Finding {
    let values = response.headers.get_all(header::ACCESS_CONTROL_ALLOW_ORIGIN).iter();
    let values: Vec<String> =
        values.map(|value| single_line(&String::from_utf8_lossy(value.as_bytes()))).collect();
    let (english, chinese) = (values.join(" and "), values.join(" 与 "));
    let seen = Text::new(
        format!("Access-Control-Allow-Origin occurs more than once: {english}"),
        format!("Access-Control-Allow-Origin 出现了多次：{chinese}"),
    );
    Finding::fail(id, seen)
        .cause("duplicate-allow-origin")
        .why(text!(
            "Browsers reject a response that has it twice. The function adds one; the other comes \
             from the gateway or a proxy in front of it.",
            "浏览器会拒绝出现两次该响应头的响应。函数添加了一个，另一个来自前面的网关或代理。"
        ))
        .fix(text!(
            "Switch off CORS in the gateway or proxy in front of the function. If it is the \
             platform's default domain, bind a domain of your own, to which nothing is added: \
             Function Compute console > Custom Domains > Add Custom Domain.",
            "请关闭函数前面的网关或代理的 CORS 功能。如果是平台的默认域名，请绑定自己的域名，平台不会给它添加响应头：函数计算控制台 \
             > 域名管理 > 添加自定义域名。"
        ))
}

fn other_origin(id: &'static str, other: &str) -> Finding {
    let other = single_line(other);
    let seen =
        text!("the response allows pages of {other} only", "响应只允许来源为 {other} 的页面读取");
    Finding::fail(id, seen)
        .cause("other-origin")
        .why(text!(
            "The function names the origin of the request, so a cache or a proxy sent the response \
             to another page.",
            "函数会写入请求的来源，因此这是缓存或代理返回的给其他页面的响应。"
        ))
        .fix(text!(
            "Do not let a cache in front of the function store its responses, or let it respect \
             Vary: Origin.",
            "请勿让函数前面的缓存保存其响应，或让缓存遵循 Vary: Origin。"
        ))
}

/// Creates the finding of an error of the function.
fn refused(id: &'static str, doctor: &DoctorTarget, problem: &ApiProblem) -> Finding {
    let finding = Finding::fail(id, problem.text()).cause(problem.error.clone());
    if problem.error != "origin_not_allowed" {
        return finding
            .why(text!("The page gets no form.", "页面得不到表单。"))
            .fix(text!("See the message.", "请按照错误信息处理。"));
    }
    let origin = &doctor.origin;
    finding
        .why(text!(
            "The function signs for pages of its list of origins only, and this page is not on it.",
            "函数只为来源列表中的页面签名，而此页面不在列表中。"
        ))
        .fix(text!(
            "Add the origin to the function's environment and deploy; separate several with \
             commas:\n  UPLOAD_ORIGINS={origin}",
            "请将此来源加入函数的环境变量并重新部署；多个来源用逗号分隔：\n  \
             UPLOAD_ORIGINS={origin}"
        ))
}

/// Checks whether the page can read the response to its call.
pub(super) fn check_call(doctor: &DoctorTarget, response: &WebResponse) -> Finding {
    if let Some(problem) =
        ApiProblem::parse(response).filter(|problem| problem.error == "origin_not_allowed")
    {
        return refused(CALL, doctor, &problem);
    }
    if matches!(FormResponse::parse(response), FormResponse::Foreign) {
        return Finding::skipped(CALL, text!("the function did not respond", "函数没有响应"));
    }
    match CorsAccess::of(&response.headers, &doctor.origin) {
        CorsAccess::Duplicate if !doctor.is_own_page => duplicate_header(CALL, response),
        CorsAccess::OtherOrigin(other) if !doctor.is_own_page => other_origin(CALL, &other),
        CorsAccess::Missing if !doctor.is_own_page => {
            let seen = text!(
                "the response to POST /uploads has no Access-Control-Allow-Origin",
                "POST /uploads 的响应没有 Access-Control-Allow-Origin"
            );
            Finding::fail(CALL, seen)
                .cause("cors-absent")
                .why(text!(
                    "The browser does not let the page read the response; the page sees a network \
                     error.",
                    "浏览器不让页面读取响应，页面只看到网络错误。"
                ))
                .fix(text!(
                    "The function sends the header; check what removes it on the way, such as a \
                     gateway or a CDN.",
                    "函数会发送此响应头；请检查途中将它移除的网关或 CDN。"
                ))
        }
        _ => {
            let origin = &doctor.origin;
            let seen = text!(
                "pages of {origin} may read the response",
                "来源为 {origin} 的页面可以读取响应"
            );
            Finding::ok(CALL, seen)
        }
    }
}

/// Requests a form as a page of an origin that is on no list.
pub(super) async fn foreign(doctor: &DoctorTarget, client: &WebClient, body: &str) -> Finding {
    let request = form_request(doctor, body, Some(FOREIGN_ORIGIN)).headers(&doctor.credentials);
    match client.send(request).await {
        Ok(response) => check_foreign(doctor, &response),
        Err(error) => unreachable(FOREIGN, &error),
    }
}

fn check_foreign(doctor: &DoctorTarget, response: &WebResponse) -> Finding {
    let id = FOREIGN;
    let may_read = CorsAccess::of(&response.headers, FOREIGN_ORIGIN).is_allowed();
    let refusal = match FormResponse::parse(response) {
        FormResponse::Signed(_) if !may_read => {
            let seen = text!(
                "a page of {FOREIGN_ORIGIN} cannot read the response",
                "来源为 {FOREIGN_ORIGIN} 的页面无法读取响应"
            );
            return Finding::ok(id, seen);
        }
        FormResponse::Signed(_) => None,
        FormResponse::Refused(problem) => Some(problem.error),
        FormResponse::Foreign => Some(response.status.as_u16().to_string()),
    };
    let only_token = may_read && refusal.as_deref().is_some_and(is_about_caller);
    match refusal {
        Some(code) if !only_token => {
            let seen = text!(
                "a page of {FOREIGN_ORIGIN} is refused ({code})",
                "来源为 {FOREIGN_ORIGIN} 的页面被拒绝（{code}）"
            );
            Finding::ok(id, seen)
        }
        _ if doctor.any_origin => {
            let seen = text!(
                "pages of every origin may call, as --any-origin allows",
                "任何来源的页面都可以调用，符合 --any-origin"
            );
            Finding::ok(id, seen)
        }
        refusal => every_origin(doctor, refusal),
    }
}

/// Creates the finding of a foreign page that gets a form, or that only lacks the token.
fn every_origin(doctor: &DoctorTarget, refusal: Option<String>) -> Finding {
    let finding = if let Some(code) = refusal {
        let seen = text!(
            "a page of {FOREIGN_ORIGIN} is refused only because it has no token ({code})",
            "来源为 {FOREIGN_ORIGIN} 的页面仅因没有令牌而被拒绝（{code}）"
        );
        Finding::warn(FOREIGN, seen).why(text!(
            "A stolen token can be used from any page.",
            "泄露的令牌可以在任何页面上使用。"
        ))
    } else {
        let seen = text!(
            "a page of {FOREIGN_ORIGIN} got a form and may read it",
            "来源为 {FOREIGN_ORIGIN} 的页面得到了表单并可读取"
        );
        Finding::fail(FOREIGN, seen).why(text!(
            "Any page in the world can upload in the name of its visitors.",
            "世界上任何页面都可以以其访问者的名义上传。"
        ))
    };
    let origin = &doctor.origin;
    finding.cause("every-origin").fix(text!(
        "Set the origins of your pages in the function's environment in place of *, and \
         deploy:\n  UPLOAD_ORIGINS={origin}\nIf every page may call on purpose, use --any-origin.",
        "请在函数的环境变量中用自己页面的来源代替 *，并重新部署：\n  \
         UPLOAD_ORIGINS={origin}\n如果确实允许任何页面调用，请使用 --any-origin。"
    ))
}

/// Requests a form without the token, if there is one: as the page, and as a program.
pub(super) async fn callers(doctor: &DoctorTarget, client: &WebClient, body: &str) -> Vec<Finding> {
    let send = async |origin| client.send(form_request(doctor, body, origin)).await;
    let mut findings = Vec::new();
    if !doctor.credentials.is_empty() {
        findings.push(match send(Some(doctor.origin.as_str())).await {
            Ok(response) => check_without_token(doctor, &response),
            Err(error) => unreachable(UNPROVEN, &error),
        });
    }
    findings.push(match send(None).await {
        Ok(response) => check_anonymous(doctor, &response),
        Err(error) => unreachable(NOBODY, &error),
    });
    findings
}

fn check_without_token(doctor: &DoctorTarget, response: &WebResponse) -> Finding {
    let who = text!("the page without its token", "没有令牌的页面");
    refusal(UNPROVEN, &who, response).unwrap_or_else(|| {
        let origin = &doctor.origin;
        let seen = text!(
            "a page of {origin} gets a form without its token",
            "来源为 {origin} 的页面没有令牌也得到了表单"
        );
        Finding::warn(UNPROVEN, seen)
            .cause("token-not-needed")
            .why(text!(
                "Everyone who opens the page can upload, and a program can send any origin.",
                "打开页面的任何人都可以上传，而程序可以发送任意来源。"
            ))
            .fix(text!(
                "If that is not intended, let the route require both and deploy: \
                 UPLOAD_AUTH=all(origin, jwt), or all(origin, ticket).",
                "如果这不是本意，请让路由同时要求两者并重新部署：UPLOAD_AUTH=all(origin, jwt) 或 \
                 all(origin, ticket)。"
            ))
    })
}

fn check_anonymous(doctor: &DoctorTarget, response: &WebResponse) -> Finding {
    let who = text!("a caller without credentials", "没有凭证的调用者");
    let open = || {
        if doctor.credentials.is_empty() {
            let seen =
                text!("a caller without credentials gets a form", "没有凭证的调用者得到了表单");
            return Finding::warn(NOBODY, seen).fix(text!(
                "If that is not intended, let the route require authentication and deploy: \
                 UPLOAD_AUTH=ticket, jwt, or all(origin, ticket).",
                "如果这不是本意，请让路由要求认证并重新部署：UPLOAD_AUTH=ticket、jwt 或 all(origin, \
                 ticket)。"
            ));
        }
        let seen = text!(
            "a caller without credentials gets a form, although the page has a token",
            "页面有令牌，但没有凭证的调用者也得到了表单"
        );
        Finding::fail(NOBODY, seen).fix(text!(
            "The route ignores the token. Set what it requires and deploy: UPLOAD_AUTH=jwt for \
             tokens, ticket for tickets, any(jwt, ticket) for either.",
            "路由忽略了令牌。请设置所要求的认证并重新部署：令牌用 UPLOAD_AUTH=jwt，票据用 \
             ticket，任一用 any(jwt, ticket)。"
        ))
    };
    let why = text!(
        "Everyone who can reach the address can store files in the bucket, at your cost, within the \
         limits of the route.",
        "能访问此地址的任何人都可以在路由的限制内向存储空间存放文件，费用由您承担。"
    );
    refusal(NOBODY, &who, response).unwrap_or_else(|| open().cause("open-to-everyone").why(why))
}

/// Creates the finding of a refusal; `None` if the response has a form.
fn refusal(id: &'static str, who: &Text, response: &WebResponse) -> Option<Finding> {
    let code = match FormResponse::parse(response) {
        FormResponse::Signed(_) => return None,
        FormResponse::Refused(problem) => problem.error,
        FormResponse::Foreign => response.status.as_u16().to_string(),
    };
    let who = who.clone();
    Some(match code.as_str() {
        "origin_required" => Finding::ok(
            id,
            who.with(&text!(
                " is refused ({code}); a program can send any origin",
                "被拒绝（{code}）；但程序可以发送任意来源"
            )),
        ),
        code if is_about_caller(code) || code == "origin_not_allowed" => {
            Finding::ok(id, who.with(&text!(" is refused ({code})", "被拒绝（{code}）")))
        }
        code => Finding::skipped(
            id,
            who.with(&text!(
                " is refused for another reason ({code})",
                "因其他原因被拒绝（{code}）"
            )),
        ),
    })
}
