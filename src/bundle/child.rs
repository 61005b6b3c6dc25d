//! Bundling in a child process of the same binary, which keeps its graph between builds.
//!
//! The server writes one message per build to the child's standard input and reads one from its
//! standard output; the child ends when its input does, so it never outlives the server. A child that
//! died since the last build is replaced without a word; one that dies over a build is reported, with what
//! it wrote to standard error.

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;

use super::first::{CODE_LONG, Progress};
use super::output::{BuildFailure, Bundle, OutputKind};
use super::request::BundleRequest;
use super::wire::{Call, Message, Outcome, Told, decode_outcome, encode_outcome};
use super::{Bundler, Compiler, DependencyCall, DependencyOutcome, InProcessBundler};
use crate::base::diag::Diagnostic;
use crate::base::process::in_own_group;

/// The argument that makes the binary a bundler process.
const COMMAND: &str = "__bundler";
/// Time that one build may take before the child is given up.
const BUILD_MAX: Duration = Duration::from_secs(120);
/// How often, and how far apart, a child that closed a pipe is looked at before it is killed.
const GRACE_TRIES: usize = 100;
const GRACE_PAUSE: Duration = Duration::from_millis(5);
/// What is kept of a child's standard error, bytes; the end counts.
const STDERR_BYTES: usize = 8 * 1024;

/// What is known of a bundle some time before it is whole.
#[derive(Debug)]
pub enum Early {
    /// The size of all texts that it is made of, bytes.
    Size(usize),
    /// The name and the text of its entry.
    Code(String, Bytes),
}

/// Gets to know it.
pub type TellEarly = Box<dyn Fn(Early) + Send>;

/// Builds in a child process, started when it is first needed.
pub struct ChildBundler {
    exe: PathBuf,
    tell: Option<TellEarly>,
    /// What the last answer named, for a failure that names nothing.
    inputs: Vec<PathBuf>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    stdin: BufWriter<ChildStdin>,
    outcomes: Receiver<Message<Outcome>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    stderr_thread: Option<JoinHandle<()>>,
}

/// Why a child gave no outcome.
#[derive(Debug)]
enum NoOutcome {
    Spawn(io::Error),
    Died(String),
    TimedOut,
}

impl ChildBundler {
    /// A bundler that starts `exe __bundler` when it is first asked for something.
    pub fn new(exe: PathBuf) -> Self {
        Self { exe, tell: None, inputs: Vec::new(), running: None }
    }

    /// The same, which tells what it knows of a long first build as soon as that is there. The bundle may come to nothing, or have
    /// other code in the end.
    pub fn telling(self, tell: TellEarly) -> Self {
        Self { tell: Some(tell), ..self }
    }

    /// Tells of the code of `bundle`, which was built before, if it is long and has all packages in it.
    pub fn tell_of(&self, bundle: &Bundle) {
        if let (Some(tell), [entry, ..]) = (&self.tell, &bundle.modules[..])
            && bundle.external.is_none()
            && entry.kind == OutputKind::EsModule
            && entry.code.len() >= CODE_LONG
        {
            tell(Early::Code(entry.name.clone(), entry.code.clone()));
        }
    }

    /// Ends the child, if one runs, and with it the memory of the graph; the next build starts another.
    pub fn end_idle(&mut self) {
        self.running = None;
    }

    /// The process id of the child, if one runs.
    pub fn child_id(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.child.id())
    }

    fn call(&mut self, call: &Message<Call>) -> Result<Result<Bundle, BuildFailure>, NoOutcome> {
        let running = match &mut self.running {
            Some(running) => running,
            none => none.insert(Running::start(&self.exe).map_err(NoOutcome::Spawn)?),
        };
        let outcome = running.call(call, self.tell.as_ref()).and_then(|(answer, told)| {
            decode_outcome(answer, told)
                .ok_or_else(|| NoOutcome::Died("its answer cannot be understood".to_owned()))
        });
        if outcome.is_err() {
            self.running = None;
        }
        outcome
    }
}

impl Bundler for ChildBundler {
    fn build(&mut self, request: &BundleRequest, changed: &[PathBuf]) -> Result<Bundle, BuildFailure> {
        let call = Message::header(Call::Build { request: request.clone(), changed: changed.to_vec() });
        let was_running = self.running.is_some();
        let mut outcome = self.call(&call);
        if was_running && matches!(outcome, Err(NoOutcome::Died(_))) {
            outcome = self.call(&call);
        }
        match outcome {
            Ok(answer) => {
                self.inputs = answer.as_ref().map_or_else(|f| f.inputs.clone(), |b| b.inputs.clone());
                answer
            }
            Err(reason) => {
                let mut inputs = self.inputs.clone();
                if !inputs.contains(&request.entry) {
                    inputs.push(request.entry.clone());
                }
                Err(BuildFailure { inputs, ..BuildFailure::of(reason.diagnostic()) })
            }
        }
    }

    /// Builds in a child of its own: it takes hundreds of megabytes, and is rarely needed again.
    fn build_dependencies(&mut self, call: &DependencyCall) -> DependencyOutcome {
        let call = Message::header(Call::Dependencies(call.clone()));
        let answer =
            Running::start(&self.exe).map_err(NoOutcome::Spawn).and_then(|mut r| r.call(&call, None));
        match answer.map(|(message, _)| message.header) {
            Ok(Outcome::Dependencies(outcome)) => outcome,
            Ok(Outcome::Scanned(_) | Outcome::Code(_) | Outcome::Built(_) | Outcome::Failed { .. }) => {
                DependencyOutcome::Failed("the bundler's answer cannot be understood".to_owned())
            }
            Err(reason) => DependencyOutcome::Failed(reason.diagnostic().message),
        }
    }
}

impl NoOutcome {
    fn diagnostic(self) -> Diagnostic {
        match self {
            Self::Spawn(error) => Diagnostic::error(
                "bundle/bundler-crashed",
                format!("the bundler process cannot be started: {error}"),
            ),
            Self::Died(how) => {
                Diagnostic::error("bundle/bundler-crashed", format!("the bundler process crashed: {how}"))
                    .help("the last edit may have met a fault of the bundler; save again to retry")
            }
            Self::TimedOut => Diagnostic::error(
                "bundle/bundler-timeout",
                format!("the bundler gave no answer within {} seconds", BUILD_MAX.as_secs()),
            ),
        }
    }
}

impl Running {
    fn start(exe: &PathBuf) -> io::Result<Self> {
        let mut command = Command::new(exe);
        command.arg(COMMAND).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C in the terminal is for the server, which ends its child in its own time.
        in_own_group(&mut command);
        let mut child = command.spawn()?;
        let missing = || io::Error::other("a pipe to the child is missing");
        let stdin = BufWriter::new(child.stdin.take().ok_or_else(missing)?);
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take().ok_or_else(missing)?;
        let (sender, outcomes) = sync_channel(1);
        // The threads end with the child's pipes; the channel closes when there is no more to read.
        std::thread::Builder::new().name("bundler-out".to_owned()).spawn(move || {
            let mut stdout = BufReader::with_capacity(64 * 1024, stdout);
            while let Ok(Some(message)) = Message::read(&mut stdout) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        })?;
        let tail = Arc::new(Mutex::new(Vec::new()));
        let kept = tail.clone();
        let stderr_thread = std::thread::Builder::new()
            .name("bundler-err".to_owned())
            .spawn(move || keep_tail(stderr, &kept))?;
        Ok(Self { child, stdin, outcomes, stderr: tail, stderr_thread: Some(stderr_thread) })
    }

    /// The answer, and the code that was told of before.
    fn call(
        &mut self,
        call: &Message<Call>,
        tell: Option<&TellEarly>,
    ) -> Result<(Message<Outcome>, Option<Bytes>), NoOutcome> {
        if call.write(&mut self.stdin).is_err() {
            return Err(self.died());
        }
        let mut told = None;
        loop {
            match self.outcomes.recv_timeout(BUILD_MAX) {
                Ok(Message { header: Outcome::Scanned(size), .. }) => {
                    tell.iter().for_each(|tell| tell(Early::Size(size)));
                }
                Ok(Message { header: Outcome::Code(name), blobs }) => {
                    told = blobs.into_iter().next().map(Bytes::from);
                    if let (Some(tell), Some(code)) = (tell, &told) {
                        tell(Early::Code(name, code.clone()));
                    }
                }
                Ok(message) => return Ok((message, told)),
                Err(RecvTimeoutError::Timeout) => return Err(NoOutcome::TimedOut),
                Err(RecvTimeoutError::Disconnected) => return Err(self.died()),
            }
        }
    }

    /// How the child ended: its status and the first line that it left.
    fn died(&mut self) -> NoOutcome {
        // It closed a pipe, so it is ending; if not, it is of no more use.
        let status = (0..GRACE_TRIES).find_map(|_| match self.child.try_wait() {
            Ok(Some(status)) => Some(Ok(status)),
            Ok(None) => {
                std::thread::sleep(GRACE_PAUSE);
                None
            }
            Err(error) => Some(Err(error)),
        });
        let status = status.unwrap_or_else(|| self.child.kill().and_then(|()| self.child.wait()));
        if let Some(thread) = self.stderr_thread.take() {
            // A panic in the reading thread only loses text.
            let _ = thread.join();
        }
        let text = locked(&self.stderr);
        let text = String::from_utf8_lossy(&text).into_owned();
        let words = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>();
        let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        NoOutcome::Died(if words.is_empty() { status } else { format!("{status}: {}", words.join(" ")) })
    }
}

/// Nothing in the child is worth waiting for.
impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if the child has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keep_tail(mut from: impl Read, tail: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let mut tail = locked(tail);
        tail.extend_from_slice(&buffer[..read]);
        let excess = tail.len().saturating_sub(STDERR_BYTES);
        tail.drain(..excess);
    }
}

/// What the binary does as a bundler process: answers builds until its standard input ends.
/// `compiler` makes the bytecode of packages.
pub fn run_child(compiler: Compiler) -> ExitCode {
    // A panic on one of rolldown's threads would leave the build waiting for ever.
    std::panic::set_hook(Box::new(|panic| {
        // The parent keeps the last lines of standard error for its report.
        let _ = writeln!(io::stderr(), "{panic}");
        std::process::exit(101);
    }));
    let stdin = io::stdin().lock();
    let to = Arc::new(Mutex::new(BufWriter::with_capacity(64 * 1024, io::stdout())));
    match serve(&mut BufReader::new(stdin), &to, compiler) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve<W: Write + Send + 'static>(
    from: &mut impl Read,
    to: &Arc<Mutex<W>>,
    compiler: Compiler,
) -> io::Result<()> {
    let told = Arc::new(Mutex::new(None));
    let (early, note) = (to.clone(), told.clone());
    let tell = move |progress: Progress<'_>| {
        let message = match progress {
            Progress::Scanned(size) => Message { header: Outcome::Scanned(size), blobs: vec![] },
            Progress::Code(name, code) => {
                Message { header: Outcome::Code(name.to_owned()), blobs: vec![code.as_bytes()] }
            }
        };
        // Whoever does not get this will not get the outcome either, and that is noticed.
        let _ = message.write(&mut *locked(&early));
        if let Progress::Code(name, code) = progress {
            *locked(&note) = Some(Told::new(name, code.as_bytes()));
        }
    };
    let mut bundler = InProcessBundler::new()?.with_compiler(compiler).telling(Arc::new(tell));
    while let Some(Message { header, .. }) = Message::read(from)? {
        match header {
            Call::Build { request, changed } => {
                let outcome = bundler.build(&request, &changed);
                let told = locked(&told).take();
                encode_outcome(&outcome, told.as_ref()).write(&mut *locked(to))?;
            }
            Call::Dependencies(call) => {
                let outcome = bundler.build_dependencies(&call);
                Message::header(Outcome::Dependencies(outcome)).write(&mut *locked(to))?;
            }
        }
    }
    Ok(())
}

/// What a panic left behind is as good as before: bytes that were written, or not.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPILER: Compiler = Compiler { engine: "none", compile: |_, _| None };

    fn request() -> BundleRequest {
        BundleRequest {
            root: "/nowhere".into(),
            entry: "/nowhere/index.ts".into(),
            define: vec![],
            alias: vec![],
            rules: vec![],
            tsconfig: None,
            jsx_factory: None,
            jsx_fragment: None,
            conditions: vec![],
            platform: crate::bundle::BuildPlatform::default(),
            minify: false,
            keep_names: true,
            node_compat: false,
            async_hooks: false,
            packages: super::super::request::Packages::Inside,
            unbundled: None,
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_child_that_cannot_start_or_ends_at_once_is_a_failure_that_says_so() {
        for (exe, code, words) in [
            ("/nowhere/dodev", "bundle/bundler-crashed", "cannot be started"),
            ("/bin/false", "bundle/bundler-crashed", "crashed: exit status: 1"),
            ("/bin/cat", "bundle/bundler-crashed", "cat: __bundler"),
            ("/usr/bin/yes", "bundle/bundler-crashed", "crashed: signal"),
        ] {
            let mut bundler = ChildBundler::new(exe.into());
            let failure = bundler.build(&request(), &[]).unwrap_err();
            assert_eq!(failure.diagnostics[0].code, code);
            assert!(failure.diagnostics[0].message.contains(words), "{}", failure.diagnostics[0].message);
            assert_eq!(failure.inputs, [PathBuf::from("/nowhere/index.ts")]);
            assert_eq!(bundler.child_id(), None);
        }
    }

    #[test]
    fn the_child_answers_every_call_until_its_input_ends() {
        let call = Message::header(Call::Build { request: request(), changed: vec![] });
        let mut calls = Vec::new();
        call.write(&mut calls).unwrap();
        call.write(&mut calls).unwrap();
        let to = Arc::new(Mutex::new(Vec::new()));
        serve(&mut calls.as_slice(), &to, COMPILER).unwrap();
        let answers = std::mem::take(&mut *to.lock().unwrap());
        let mut answers = answers.as_slice();
        for _ in 0..2 {
            let message = Message::<Outcome>::read(&mut answers).unwrap().unwrap();
            let failure = decode_outcome(message, None).unwrap().unwrap_err();
            assert_eq!(failure.diagnostics[0].code, "bundle/entry-not-found");
        }
        assert!(answers.is_empty());
        assert!(serve(&mut &calls[..calls.len() - 1], &to, COMPILER).is_err());
    }

    #[test]
    fn the_code_of_a_long_first_build_comes_before_its_outcome() {
        let directory = tempfile::tempdir().unwrap();
        let entry = directory.path().join("index.ts");
        let line = "export const name: string = 'a line of some length';\n";
        let mut calls = Vec::new();
        let request = BundleRequest { root: directory.path().into(), entry: entry.clone(), ..request() };
        let call = Message::header(Call::Build { request, changed: vec![] });
        call.write(&mut calls).unwrap();
        call.write(&mut calls).unwrap();
        for (lines, comes) in [(1, false), (2_000, true)] {
            let text: String = (0..lines).map(|n| line.replace("name", &format!("name{n}"))).collect();
            std::fs::write(&entry, text).unwrap();
            let to = Arc::new(Mutex::new(Vec::new()));
            serve(&mut calls.as_slice(), &to, COMPILER).unwrap();
            let answers = std::mem::take(&mut *to.lock().unwrap());
            let mut answers = answers.as_slice();
            let mut next = || Message::<Outcome>::read(&mut answers).unwrap();
            if comes {
                assert!(matches!(next().unwrap().header, Outcome::Scanned(size) if size > 100_000));
            }
            let early = comes.then(&mut next).map(Option::unwrap);
            let answer = next().unwrap();
            assert_eq!(answer.blobs[0].is_empty(), comes, "what was told is not said again");
            let told = early.as_ref().map(|early| Bytes::from(early.blobs[0].clone()));
            let bundle = decode_outcome(answer, told).unwrap().unwrap();
            if let Some(Message { header, .. }) = early {
                assert_eq!(header, Outcome::Code(bundle.entry.clone()));
            }
            // A second build is nobody's first.
            assert_eq!(decode_outcome(next().unwrap(), None).unwrap().unwrap(), bundle);
            assert_eq!(next(), None);
        }
    }
}
