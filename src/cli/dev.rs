//! `dodev dev`: a session from arguments, until a signal ends it.

use std::io;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::Context;

use super::args::{DevArgs, LogLevel, ReloadSockets};
use super::browser;
use super::keys::{Key, Keys, Restored, is_foreground};
use super::migrate_show;
use super::output::{self, Output, Style, is_interactive};
use super::reader;
use super::show::show_url;
use super::signals::{Signal, Signals};
use super::time_args::TimeFlags;
use crate::base::clock::Clock;
use crate::base::diag::Diagnostic;
use crate::dev::{Agreement, Control, Question, Report, Session, SessionOptions, StartFailure};
use crate::project::{LoadRequest, Overrides};
use crate::server::{Certificate, ListenError};
use crate::storage::history::HistorySettings;

/// Exit code after a second signal, as shells count a process ended by Ctrl-C.
const INTERRUPTED: i32 = 130;

/// Runs the command.
pub fn run(args: Box<DevArgs>, clock: Clock) -> ExitCode {
    let mut style = Style::of_process(args.log_level, args.quiet, args.json);
    style.keys = args.wants_keys() && is_interactive() && is_foreground();
    let wants_keys = style.keys;
    let questions = Questions::default();
    let without_effect = args.without_effect();
    let mut options = match options(*args, clock) {
        Ok(options) => options,
        Err(error) => {
            let output = Output::start(style);
            output.failure(format!("{error:#}"));
            return output.finish(ExitCode::FAILURE);
        }
    };
    if let Agreement::Ask(_) = options.agreement {
        options.agreement = questions.agreement();
    }
    style.cwd.clone_from(&options.load.cwd);
    let output = Output::start(style);
    let sink = output.sink();
    let warnings = without_effect.into_iter().map(|(flag, reason)| {
        Diagnostic::warning("dev/no-effect", format!("`{flag}` has no effect")).help(reason)
    });
    let warnings: Vec<_> = warnings.collect();
    if !warnings.is_empty() {
        sink.push(Report::Warnings(warnings));
    }
    let options = SessionOptions { report: Arc::new(move |report| sink.push(report)), ..options };
    let code = match Session::start(options) {
        Ok(session) => match follow_terminal(&session, &output, wants_keys, &questions) {
            Ok(_restored) => {
                let gone = end_with_reader(session.control());
                session.run();
                match gone.load(Ordering::Relaxed) {
                    true => ExitCode::from(reader::BROKEN_PIPE),
                    false => ExitCode::SUCCESS,
                }
            }
            Err(error) => {
                output.failure(format!("cannot listen for signals: {error}"));
                ExitCode::FAILURE
            }
        },
        Err(failure) => {
            show_start_failure(&output, failure);
            ExitCode::FAILURE
        }
    };
    output.finish(code)
}

/// Stops the session when nobody reads any more what it prints; tells then that it was so.
fn end_with_reader(control: Control) -> Arc<AtomicBool> {
    let gone = Arc::new(AtomicBool::new(false));
    let noted = gone.clone();
    // Without a thread it ends as any other: by a signal.
    drop(reader::when_gone(move || {
        noted.store(true, Ordering::Relaxed);
        control.stop();
    }));
    gone
}

/// Says why there is no session.
pub(super) fn show_start_failure(output: &Output, failure: StartFailure) {
    match failure {
        StartFailure::Project(diagnostics) => output.diagnostics(diagnostics),
        StartFailure::Listen(error) => {
            let help = match error {
                ListenError::InUse { .. } => "stop it, or choose another one with `--port`; 0 is any",
                ListenError::Refused { .. } => "choose an address of this machine with `--ip`, and a port that you may use with `--port`",
            };
            output.failure_with_help(error.to_string(), help);
        }
        StartFailure::Certificate(error) => output.failure_with_help(
            error.to_string(),
            "give files in PEM form with `--https-cert-path` and `--https-key-path`, or none for one that dodev makes",
        ),
        error @ (StartFailure::State { .. } | StartFailure::Migrate(_) | StartFailure::System(_)) => {
            output.failure(error.to_string());
        }
    }
}

/// What `args` ask of a session that reports to nobody yet.
pub(super) fn options(args: DevArgs, clock: Clock) -> anyhow::Result<SessionOptions> {
    let mut cwd = std::env::current_dir().context("cannot tell the working directory")?;
    if let Some(directory) = &args.cwd {
        cwd = cwd.join(directory);
        cwd = dunce::canonicalize(&cwd).with_context(|| format!("cannot work in `{}`", cwd.display()))?;
    }
    let (no_bundle, minify, keeps_origin) = (args.takes_as_is(), args.minifies(), args.keeps_origin());
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let certificate = match (args.https_cert_path, args.https_key_path) {
        (Some(certificate), Some(key)) => {
            Some(Certificate::Given { certificate: cwd.join(certificate), key: cwd.join(key) })
        }
        _ => None,
    };
    let persist = args.persist_to.map(|directory| cwd.join(directory));
    let TimeFlags { time, freeze, strict_time } = args.clock;
    // It stands before it is set: what passed in between would be added to the time that was asked for.
    if freeze {
        clock.freeze();
    }
    if let Some(time) = time {
        clock.set(time);
    }
    clock.set_strict(strict_time);
    // What a project may ask for depends on the day outside, not on the one that it plays.
    let mut load = LoadRequest::new(cwd, Clock::system());
    let mut configs = args.config.into_iter();
    load.config = configs.next();
    load.environment = args.env;
    // Fidelity: wrangler gives the others nothing of the command line but the environment.
    let more: Vec<_> = configs.map(|config| LoadRequest { config: Some(config), ..load.clone() }).collect();
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
        no_bundle,
        minify,
        host: args.host,
        routes: args.routes,
        keeps_origin,
        upstream_protocol: args.upstream_protocol,
        assets: args.assets,
        site: args.site,
        site_include: args.site_include,
        site_exclude: args.site_exclude,
    };
    let report = Arc::new(|_: Report| {});
    let history = (!args.no_history).then_some(HistorySettings {
        max_bytes: args.history_size.saturating_mul(1024 * 1024),
        max_age_ms: i64::from(args.history_days) * 24 * 60 * 60 * 1_000,
    });
    let agreement = match args.yes {
        true => Agreement::Always,
        false if !args.json && output::can_ask() => Questions::default().agreement(),
        false => Agreement::Nobody,
    };
    Ok(SessionOptions {
        load,
        more,
        ip: args.ip,
        port: args.port,
        secure: args.local_protocol.map(|protocol| protocol == "https"),
        certificate,
        persist,
        program,
        test_scheduled: args.test_scheduled,
        close_sockets: args.reload_sockets == ReloadSockets::Close,
        watch: true,
        live_reload: args.live_reload && !args.no_live_reload,
        history,
        agreement,
        prebundle: !args.no_prebundle,
        places: args.log_level == LogLevel::Debug,
        hibernate_after: Duration::from_secs_f64(args.hibernate_after),
        clock,
        report,
    })
}

/// Follows signals, and keys if they are wanted.
fn follow_terminal(
    session: &Session,
    output: &Output,
    wants_keys: bool,
    questions: &Questions,
) -> io::Result<Option<Restored>> {
    let (control, sink, url) =
        (session.control(), output.sink(), show_url(session.address(), session.is_secure()));
    let asked = questions.clone();
    let press = move |key| match key {
        Key::Yes | Key::No => asked.answer(key == Key::Yes),
        Key::Exit => {
            asked.answer(false);
            control.stop();
        }
        Key::Browser => {
            let told = sink.clone();
            if let Err(error) = browser::open(url.clone(), move |message| told.failure(message)) {
                sink.failure(format!("cannot open a browser: {error}"));
            }
        }
        Key::Reload => control.reload(),
        Key::Clear => sink.clear(),
    };
    // Without keys the session is the same.
    let keys = if wants_keys { Keys::start(press).ok() } else { None };
    let restored = keys.clone().map(Restored);
    questions.set(if keys.is_some() { Way::Key(None) } else { Way::None });
    follow_signals(session.control(), keys, questions.clone())?;
    Ok(restored)
}

/// How questions are answered.
#[derive(Default)]
enum Way {
    /// By a line: before keys are read.
    #[default]
    Line,
    /// By a key, which goes to who waits.
    Key(Option<mpsc::Sender<bool>>),
    /// Not at all.
    None,
}

/// Asks on the terminal, before the session runs and while it does.
#[derive(Clone, Default)]
struct Questions(Arc<Mutex<Way>>);

impl Questions {
    fn agreement(&self) -> Agreement {
        let own = self.clone();
        Agreement::Ask(Arc::new(move |question| own.ask(question)))
    }

    fn way(&self) -> MutexGuard<'_, Way> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, way: Way) {
        *self.way() = way;
    }

    fn ask(&self, question: &Question) -> bool {
        let text = words(question);
        let answer = match &mut *self.way() {
            Way::None => return false,
            Way::Line => None,
            Way::Key(waiting) => {
                let (sender, answer) = mpsc::channel();
                *waiting = Some(sender);
                Some(answer)
            }
        };
        match answer {
            None => output::confirm(&text),
            Some(answer) => {
                output::remark(&format!("{text} [y/N] "));
                answer.recv().unwrap_or(false)
            }
        }
    }

    /// Answers the question that waits, if one does.
    fn answer(&self, yes: bool) {
        if let Way::Key(waiting) = &mut *self.way()
            && let Some(waiting) = waiting.take()
        {
            output::remark(if yes { "y\n" } else { "n\n" });
            // It has just asked.
            let _ = waiting.send(yes);
        }
    }
}

fn words(question: &Question) -> String {
    let style = Style::of_process(LogLevel::Log, false, false);
    match question {
        Question::PutAside(pending) => {
            let lines = migrate_show::plan_lines(pending, &style).join("\n");
            format!("Migrations put objects aside:\n{lines}\nApply them?")
        }
        Question::CarryOver { from, to } => {
            format!("There is state of a Worker `{from}`, and none of `{to}`. Carry it over?")
        }
    }
}

/// The first signal asks the session to stop, the second ends the process at once.
fn follow_signals(control: Control, keys: Option<Keys>, questions: Questions) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let context = runtime.enter();
    // A shell that takes a job back does not set the terminal for it.
    let mut signals = Signals::listen(true)?;
    drop(context);
    let wait = move || {
        runtime.block_on(async {
            let mut stopped = false;
            loop {
                if signals.next().await == Signal::Resumed {
                    keys.iter().for_each(Keys::listen);
                    continue;
                }
                if std::mem::replace(&mut stopped, true) {
                    keys.iter().for_each(Keys::restore);
                    std::process::exit(INTERRUPTED);
                }
                questions.answer(false);
                control.stop();
            }
        });
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
    Ok(())
}
