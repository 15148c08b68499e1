//! The platform's wish that the process end.

/// Completes at the first SIGTERM or SIGINT (elsewhere than on Unix: Ctrl-C).
///
/// A signal that cannot be watched is logged and never arrives: serving on is the lesser evil.
pub async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::SignalKind;

        tokio::select! {
            () = arrival(SignalKind::terminate()) => {}
            () = arrival(SignalKind::interrupt()) => {}
        }
    }
    #[cfg(not(unix))]
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "cannot watch for Ctrl-C");
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn arrival(kind: tokio::signal::unix::SignalKind) {
    match tokio::signal::unix::signal(kind) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(error) => {
            tracing::warn!(%error, "cannot watch for the stop signal");
            std::future::pending::<()>().await;
        }
    }
}
