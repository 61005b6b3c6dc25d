//! `dodev dev`: a session from arguments, until a signal ends it.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::args::DevArgs;
use super::output::{Output, Style};
use crate::base::clock::Clock;
use crate::dev::{Report, Session, SessionOptions, StartFailure, Stopper};
use crate::project::{LoadRequest, Overrides};

/// Exit code after a second signal, as shells count a process ended by Ctrl-C.
const INTERRUPTED: i32 = 130;

/// Runs the command.
pub fn run(args: Box<DevArgs>, clock: Clock) -> ExitCode {
    let mut style = Style::of_process(args.log_level, args.quiet, args.json);
    let options = match options(*args, clock) {
        Ok(options) => options,
        Err(error) => {
            let output = Output::start(style);
            output.failure(format!("{error:#}"));
            return output.finish(ExitCode::FAILURE);
        }
    };
    style.cwd.clone_from(&options.load.cwd);
    let output = Output::start(style);
    let sink = output.sink();
    let options = SessionOptions { report: Arc::new(move |report| sink.push(report)), ..options };
    let code = match Session::start(options) {
        Ok(session) => match stop_on_signals(session.stopper()) {
            Ok(()) => {
                session.run();
                ExitCode::SUCCESS
            }
            Err(error) => {
                output.failure(format!("cannot listen for signals: {error}"));
                ExitCode::FAILURE
            }
        },
        Err(StartFailure::Project(diagnostics)) => {
            output.diagnostics(diagnostics);
            ExitCode::FAILURE
        }
        Err(StartFailure::Listen(error)) => {
            output.failure_with_help(
                error.to_string(),
                "stop it, or choose another one with `--port`; 0 is any",
            );
            ExitCode::FAILURE
        }
        Err(error @ (StartFailure::Ip(_) | StartFailure::State { .. } | StartFailure::System(_))) => {
            output.failure(error.to_string());
            ExitCode::FAILURE
        }
    };
    output.finish(code)
}

fn options(args: DevArgs, clock: Clock) -> anyhow::Result<SessionOptions> {
    let mut cwd = std::env::current_dir().context("cannot tell the working directory")?;
    if let Some(directory) = &args.cwd {
        cwd = cwd.join(directory);
        cwd = cwd.canonicalize().with_context(|| format!("cannot work in `{}`", cwd.display()))?;
    }
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let persist = args.persist_to.map(|directory| cwd.join(directory));
    let mut load = LoadRequest::new(cwd, clock.clone());
    load.config = args.config;
    load.environment = args.env;
    load.overrides = Overrides {
        name: args.name,
        script: args.script,
        compatibility_date: args.compatibility_date,
        compatibility_flags: args.compatibility_flags,
        vars: args.var,
        define: args.define,
        alias: args.alias,
        env_files: args.env_file,
        tsconfig: args.tsconfig,
        jsx_factory: args.jsx_factory,
        jsx_fragment: args.jsx_fragment,
        no_bundle: None,
        minify: args.minify.then_some(true),
    };
    let report = Arc::new(|_: Report| {});
    Ok(SessionOptions {
        load,
        ip: args.ip,
        port: args.port,
        persist,
        program,
        test_scheduled: args.test_scheduled,
        hibernate_after: Duration::from_secs_f64(args.hibernate_after),
        clock,
        report,
    })
}

/// The first signal asks the session to stop, the second ends the process at once.
fn stop_on_signals(stopper: Stopper) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let context = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    drop(context);
    let wait = move || {
        runtime.block_on(async {
            let mut stopped = false;
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hang_up.recv() => {}
                }
                if std::mem::replace(&mut stopped, true) {
                    std::process::exit(INTERRUPTED);
                }
                stopper.stop();
            }
        });
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
    Ok(())
}
