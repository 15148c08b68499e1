//! OSS: a bucket that checks what the real one checks.
