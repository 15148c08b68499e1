//! Who is told when the object is there: the fields of a grant that order OSS's callback, and the receipt
//! that comes back with it.
//!
//! All of them are conditions of the policy too, so no uploader can drop the callback, lead it
//! elsewhere, or say something else in it.

use crate::grant::form::Field;
use crate::grant::{Form, GrantError};
use crate::policy::callback::{Callback, RECEIPT};
use crate::policy::error::PolicyError;
use crate::policy::route::{Route, SizeRange};
use crate::policy::template::context::{RandomBytes, RenderContext};
use crate::receipt;
use crate::receipt::{Receipt, ReceiptScope, callback_form};
use crate::secret::Secret;
use crate::time::Timestamp;

/// What a receipt is sealed with, and where the function itself is called.
#[derive(Clone, Copy, Debug)]
pub struct ReceiptSigner<'a> {
    /// The key that signs.
    pub key: &'a Secret,
    /// A throw of the random of the receipt's own: what names a directory need not be secret for long.
    pub id: &'a RandomBytes,
    /// Scheme and host of the function, where they are known.
    pub own: Option<&'a str>,
}

/// What is granted, as its receipt says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantedUpload {
    /// Where the object may lie.
    pub place: ReceiptScope,
    /// The file's size in bytes.
    pub size: SizeRange,
    /// The types it may have; empty allows all.
    pub types: Vec<String>,
    /// The last moment at which OSS takes the form.
    pub expires_at: Timestamp,
    /// Whether the key is this grant's own and its object cannot be overwritten.
    pub once: bool,
}

/// Gives the fields of a form of this route; none where nobody is told.
pub fn fields(
    form: Form,
    route: &Route,
    context: &RenderContext<'_>,
    signer: Option<&ReceiptSigner<'_>>,
    granted: GrantedUpload,
) -> Result<Vec<Field>, GrantError> {
    let Some(callback) = &route.callback else {
        return Ok(Vec::new());
    };
    let signer = signer.ok_or(GrantError::Unsealed)?;
    let address = callback.address(&route.name, signer.own).ok_or(GrantError::Unsealed)?;
    let mut variables = variables(callback, context)?;
    let mut receipt = granted.receipt(route, context, signer)?;
    receipt.variables_hash = Some(receipt::variables_hash(&variables));
    variables.push((RECEIPT.to_owned(), receipt.sign(signer.key)));
    let fields = match form {
        Form::Complete => callback_form::fields(callback, &address, variables),
        Form::Documented => {
            let field = callback_form::literal_field(callback, &address, &variables);
            let fields = || vec![callback_form::CALLBACK.to_owned()];
            vec![field.ok_or_else(|| PolicyError::NativeCallRequired { fields: fields() })?]
        }
    };
    Ok(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

fn variables(
    callback: &Callback,
    context: &RenderContext<'_>,
) -> Result<callback_form::Variables, PolicyError> {
    let variables = callback.variables.iter();
    variables.map(|(name, value)| Ok((name.clone(), value.render(context, "")?))).collect()
}

impl GrantedUpload {
    fn receipt(
        self,
        route: &Route,
        context: &RenderContext<'_>,
        signer: &ReceiptSigner<'_>,
    ) -> Result<Receipt, PolicyError> {
        let subject = context.attributes.subject;
        if subject.is_some_and(|subject| subject.len() > receipt::MAX_SUBJECT_BYTES) {
            return Err(PolicyError::CallerUnusable { placeholder: "sub".to_owned() });
        }
        Ok(Receipt {
            id: receipt::id(signer.id),
            route: route.name.clone(),
            bucket: route.bucket.as_str().to_owned(),
            place: self.place,
            min_size: self.size.min,
            max_size: self.size.max,
            types: self.types,
            subject: subject.map(str::to_owned),
            issued_at: context.now.unix(),
            expires_at: self.expires_at.unix(),
            variables_hash: None,
            once: self.once,
        })
    }
}
