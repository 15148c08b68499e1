//! The bucket's CORS rule, as XML and as steps in the console.

/// What a page wants to read of the bucket's answers.
pub(super) const EXPOSED: [&str; 3] = ["ETag", "Location", "x-oss-request-id"];

/// Says how the rule for a page is made.
pub(super) fn steps(bucket: &str, origin: &str) -> String {
    format!(
        "OSS console > Buckets > {bucket} > Content Security > CORS > Create Rule:\n  \
         Source {origin}, Allowed Methods POST, Allowed Headers *,\n  \
         Exposed Headers {}, Return Vary: Origin on.\n\
         Or keep what stands below as cors.xml (it takes the place of all rules that are there) and \
         run\n  ossutil api put-bucket-cors --bucket {bucket} --cors-configuration file://cors.xml\n{}",
        EXPOSED.join(" "),
        xml(origin)
    )
}

/// Says what of a rule that is there is to be changed.
pub(super) fn edit(bucket: &str, what: &str) -> String {
    format!("OSS console > Buckets > {bucket} > Content Security > CORS > the rule > Edit: {what}.")
}

fn xml(origin: &str) -> String {
    let [first, second, third] =
        EXPOSED.map(|name| format!("    <ExposeHeader>{name}</ExposeHeader>\n"));
    format!(
        "<CORSConfiguration>\n  <CORSRule>\n    \
         <AllowedOrigin>{origin}</AllowedOrigin>\n    <AllowedMethod>POST</AllowedMethod>\n    \
         <AllowedHeader>*</AllowedHeader>\n{first}{second}{third}    \
         <MaxAgeSeconds>600</MaxAgeSeconds>\n  </CORSRule>\n  \
         <ResponseVary>true</ResponseVary>\n</CORSConfiguration>"
    )
}
