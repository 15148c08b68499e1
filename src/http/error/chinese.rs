//! The messages in Chinese. The words are those of the Chinese documentation and of the upload page; the texts are short,
//! because upload components show them in small tiles.
//!
//! The failures of upload callbacks have no Chinese text: OSS reads them, and the operator in the log.

use crate::auth::AuthError;
use crate::auth::rate_limit::RateLimitExceeded;
use crate::bucket::BucketError;
use crate::callback::upload_token::UploadTokenError;
use crate::config::value::size_text;
use crate::http::error::echo::Echo;
use crate::http::error::{ApiError, Limits, MultipartError, callback};
use crate::policy::PolicyError;
use crate::policy::metadata::{MAX_BYTES, MetadataError};
use crate::policy::part_size::{MAX_PARTS, PartPlanError};

/// Returns the message: what happened and what to do.
pub(super) fn message(error: &ApiError) -> String {
    match error {
        ApiError::OriginNotAllowed(origin) => {
            format!("不允许 {} 的页面上传；请将其加入 UPLOAD_ORIGINS。", Echo(origin))
        }
        ApiError::Auth(error) => auth_message(error),
        ApiError::BudgetExceeded(RateLimitExceeded { retry_after }) => {
            format!("已达到上传上限，请在 {retry_after} 秒后重试。")
        }
        ApiError::LimitsUnavailable => "暂时无法核对上传额度，请稍后重试。".to_owned(),
        ApiError::InvalidRequest { chinese, .. } => format!("请求有误：{chinese}。"),
        ApiError::RouteNotFound { name, known } => {
            let name = Echo(name.as_deref().unwrap_or("default"));
            if known.is_empty() {
                return format!("没有路由 {name}。");
            }
            format!("没有路由 {name}，可用的路由：{}。", known.join("、"))
        }
        ApiError::TooManyFiles(count, limits) => {
            format!("一次最多上传 {} 个文件，请求中有 {count} 个。", limits.max_files)
        }
        ApiError::Policy(error, limits) => policy_message(error, limits),
        ApiError::Callback(error) => callback::message(error).to_owned(),
        ApiError::Multipart(error) => multipart_message(error),
        ApiError::NotFound => "该路径不存在。".to_owned(),
        ApiError::MethodNotAllowed => "该路径不支持此请求方法。".to_owned(),
        ApiError::NoCredentials(_) => "服务器没有凭证，请为函数设置角色。".to_owned(),
        ApiError::CredentialsUnavailable { .. } => "服务器暂时没有凭证，请稍后重试。".to_owned(),
        ApiError::CredentialsExpired => "服务器的凭证已过期，请重新部署函数。".to_owned(),
        ApiError::CallbackAddressUnknown => "函数的地址未知，请设置 PUBLIC_URL。".to_owned(),
        ApiError::CallbackNotConfigured => "该路由没有上传回调。".to_owned(),
        ApiError::DownloadNotEnabled => "该路由不提供下载链接。".to_owned(),
        ApiError::StsNotEnabled => "该路由不提供会话密钥。".to_owned(),
        ApiError::KeyNotAllowed(key) => format!("不允许访问对象 {}。", Echo(key)),
        ApiError::ProcessNotAllowed(process) => format!("不允许操作 {}。", Echo(process)),
        ApiError::Internal(_) => "函数内部出错，请重试。".to_owned(),
    }
}

fn auth_message(error: &AuthError) -> String {
    let text = match error {
        AuthError::TokenClaimMissing(name) => {
            return format!("令牌的声明 {name} 缺失或不符合要求。");
        }
        AuthError::JwksUnavailable { retry_after } => {
            return format!("暂时无法验证令牌，请在 {retry_after} 秒后重试。");
        }
        AuthError::TokenMissing => "缺少令牌，请先登录。",
        AuthError::TokenMalformed => "令牌无法解析。",
        AuthError::TokenAlgorithmNotAllowed => "不接受令牌的算法。",
        AuthError::TokenKeyUnknown => "没有令牌所用的密钥。",
        AuthError::TokenSignatureInvalid => "令牌的签名不正确。",
        AuthError::TokenExpired => "令牌已过期，请重新登录。",
        AuthError::TokenNotYetValid => "令牌尚未生效，请检查时钟。",
        AuthError::TokenIssuerNotAllowed => "不接受令牌的签发者。",
        AuthError::TokenAudienceNotAllowed => "该令牌用于其他服务。",
        AuthError::TicketMissing => "缺少票据。",
        AuthError::TicketMalformed => "票据无法解析。",
        AuthError::TicketSignatureInvalid => "票据的签名不正确。",
        AuthError::TicketExpired => "票据已过期，请获取新的票据。",
        AuthError::TicketNotYetValid => "票据尚未生效，请检查时钟。",
        AuthError::TicketLifetimeTooLong => "票据的有效期过长。",
        AuthError::TicketRouteMismatch => "该票据用于其他路由。",
        AuthError::TicketUsed => "票据已被使用，请获取新的票据。",
        AuthError::SubjectMismatch => "令牌和票据的主体不同。",
        AuthError::OriginRequired => "只接受指定页面的请求。",
        AuthError::RuleMissing => "函数内部出错，请重试。",
    };
    text.to_owned()
}

fn policy_message(error: &PolicyError, limits: &Limits) -> String {
    match error {
        PolicyError::FileTooLarge { .. } => {
            format!("文件太大，最多允许 {}。", size_text(limits.max_size))
        }
        PolicyError::FileTooSmall { size: 0 } | PolicyError::Parts(PartPlanError::Empty) => {
            "文件是空的。".to_owned()
        }
        PolicyError::FileTooSmall { .. } => {
            format!("文件太小，至少需要 {}。", size_text(limits.min_size))
        }
        PolicyError::MultipartRequired { .. } => "文件超过 5 GiB，请使用分片上传。".to_owned(),
        PolicyError::Parts(PartPlanError::PartSize) => "分片大小应为 100 KiB 到 5 GiB。".to_owned(),
        PolicyError::Parts(PartPlanError::TooManyParts(_)) => {
            format!("分片数超过 {MAX_PARTS}，请使用更大的分片。")
        }
        PolicyError::TypeNotAllowed { content_type } => {
            format!("不允许 {} 类型，允许：{}。", Echo(content_type), limits.types.join("、"))
        }
        PolicyError::TypeRequired => format!("文件类型未知，允许：{}。", limits.types.join("、")),
        PolicyError::SizeRequired => "缺少文件大小。".to_owned(),
        PolicyError::ExtensionNotAllowed { .. } => {
            format!("不允许此扩展名，允许：{}。", limits.extensions.join("、"))
        }
        PolicyError::NameRequired => "缺少文件名。".to_owned(),
        PolicyError::CallerUnknown { placeholder } => {
            format!("缺少调用方的 {placeholder}，请先登录。")
        }
        PolicyError::CallerUnusable { placeholder } => {
            format!("调用方的 {placeholder} 含有不允许的字符。")
        }
        PolicyError::Metadata(error) => metadata_message(error),
        PolicyError::NativeCallRequired { .. } => "该路由需要使用 POST /uploads。".to_owned(),
    }
}

fn multipart_message(error: &MultipartError) -> String {
    match error {
        MultipartError::NotEnabled => "该路由不支持分片上传。".to_owned(),
        MultipartError::Token(UploadTokenError::Invalid) => "上传令牌无效。".to_owned(),
        MultipartError::Token(UploadTokenError::Foreign) => {
            "此上传属于其他用户、路由或存储空间。".to_owned()
        }
        MultipartError::Token(UploadTokenError::Expired) => {
            "此上传已超过可续传的时间，请重新上传。".to_owned()
        }
        MultipartError::PartOutOfRange { number, count } => {
            format!("没有分片 {number}，分片编号为 1 到 {count}。")
        }
        MultipartError::PartsMissing { done, count, .. } => {
            format!("{count} 个分片中只有 {done} 个，请上传缺少的分片。")
        }
        MultipartError::UploadNotFound => "此上传已不存在，请重新上传。".to_owned(),
        MultipartError::ObjectExists => "已有同名文件，不允许覆盖。".to_owned(),
        MultipartError::ChecksumMismatch { .. } => {
            "文件在上传过程中发生变化，请重新上传。".to_owned()
        }
        MultipartError::CallbackFailed(_) => {
            "文件已上传，但上传回调失败，请勿重复上传。".to_owned()
        }
        MultipartError::Bucket(BucketError::Unreachable { .. }) => {
            "OSS 没有响应，请稍后重试。".to_owned()
        }
        MultipartError::Bucket(error) => format!("OSS 拒绝了请求（{error}）。"),
    }
}

fn metadata_message(error: &MetadataError) -> String {
    match error {
        MetadataError::NotAllowed(name) => format!("不允许元数据 {}。", Echo(name)),
        MetadataError::Required(name) => format!("缺少元数据 {name}。"),
        MetadataError::Invalid(name) => format!("元数据 {} 不符合要求。", Echo(name)),
        MetadataError::NotAscii(name) => {
            format!("元数据 {} 只能含有 ASCII 字符，请先进行百分号编码。", Echo(name))
        }
        MetadataError::TooLarge(bytes) => {
            format!("元数据共 {bytes} 字节，最多 {MAX_BYTES} 字节。")
        }
    }
}
