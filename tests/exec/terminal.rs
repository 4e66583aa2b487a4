//! A terminal in front: ^C, ^Z and fg, a REPL.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::stage::{Stage, can, until};
use crate::support::PATIENCE;

/// A shell with job control on a terminal of its own.
struct Terminal {
    shell: Child,
    keys: File,
    screen: mpsc::Receiver<Vec<u8>>,
    /// What has been shown and not yet been looked for.
    shown: String,
}

impl Terminal {
    /// `None` where there is no such thing.
    fn open(stage: &Stage) -> Option<Terminal> {
        if !can("setsid", &["--wait", "bash", "-c", "true"]) {
            return None;
        }
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keys).unwrap();
        unlockpt(&keys).unwrap();
        let name = ptsname(&keys, Vec::new()).unwrap();
        let side = || {
            let path = name.to_str().unwrap();
            File::options().read(true).write(true).open(path).unwrap()
        };
        let template = stage.outgate();
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait", "bash", "--norc", "--noprofile", "-i"]);
        for (name, value) in template.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let shell = command
            .env("PS1", "prompt\u{24} ")
            .env("TERM", "dumb")
            .env("OUTGATE", env!("CARGO_BIN_EXE_outgate"))
            .stdin(Stdio::from(side()))
            .stdout(Stdio::from(side()))
            .stderr(Stdio::from(side()))
            .spawn()
            .unwrap();
        let keys = File::from(keys);
        let mut screen = keys.try_clone().unwrap();
        let (sender, shown) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let mut terminal = Terminal {
            shell,
            keys,
            screen: shown,
            shown: String::new(),
        };
        terminal.see("prompt$ ");
        Some(terminal)
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until `text` is shown; gives what came before it. What it looks for must not stand
    /// in what was typed, since that is shown too.
    fn see(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.shown.find(text) {
                let before = self.shown[..at].to_owned();
                self.shown.drain(..at + text.len());
                return before;
            }
            match self.screen.recv_timeout(PATIENCE) {
                Ok(bytes) => self.shown.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("{text:?} is not shown in {:?}", self.shown),
            }
        }
    }

    /// The exit code of the last command.
    fn code(&mut self) -> String {
        self.press("echo code=$?.\n");
        self.see("code=$?.");
        self.see("code=");
        self.see(".")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";
const CTRL_Z: &str = "\u{1a}";
const CTRL_BACKSLASH: &str = "\u{1c}";

#[test]
fn ctrl_c_ends_the_command_and_outgate_tells_the_rest() {
    let stage = Stage::new();
    let Some(mut terminal) = Terminal::open(&stage) else {
        return;
    };
    terminal.press("\"$OUTGATE\" exec -- sh -c 'echo begun-$((40+2)); exec sleep 1000'\n");
    terminal.see("begun-42");
    terminal.press(CTRL_C);
    terminal.see("0 requests to 0 hosts");
    terminal.see("prompt$ ");
    assert_eq!(terminal.code(), "130");
    // The line that ends well is one that an SDK takes its time for.
    terminal.press(
        "\"$OUTGATE\" exec -- sh -c 'trap \"sleep 0; echo tidy-\\$((40+2)); exit 9\" INT; echo begun-$((40+2)); while :; do sleep 0.1; done'\n",
    );
    terminal.see("begun-42");
    terminal.press(CTRL_C);
    terminal.see("tidy-42");
    terminal.see("prompt$ ");
    assert_eq!(terminal.code(), "9");
    terminal.press("\"$OUTGATE\" exec -- sh -c 'echo begun-$((40+2)); exec sleep 1000'\n");
    terminal.see("begun-42");
    terminal.press(CTRL_BACKSLASH);
    terminal.see("prompt$ ");
    assert_eq!(terminal.code(), "131");
}

#[test]
fn a_signal_from_the_terminal_arrives_once() {
    let stage = Stage::new();
    let Some(mut terminal) = Terminal::open(&stage).filter(|_| can("python3", &["-c", "pass"]))
    else {
        return;
    };
    let script = stage.path("count.py");
    std::fs::write(
        &script,
        "import os, signal, sys\n\
         def say(number, frame): os.write(1, b'<%d>' % number)\n\
         for name in ('INT', 'QUIT', 'USR1', 'WINCH'): signal.signal(getattr(signal, 'SIG' + name), say)\n\
         print('parent', os.getppid(), 'is ready', flush=True)\n\
         sys.stdin.readline()\n",
    )
    .unwrap();
    terminal.press(&format!(
        "\"$OUTGATE\" exec --quiet -- python3 '{}'\n",
        script.display()
    ));
    terminal.see("parent ");
    let outgate = terminal.see(" is ready");
    // INT is 2, QUIT is 3, USR1 is 10. outgate has dealt with the lower number when it forwards
    // the higher one, so a second INT would stand before it.
    for (key, shown) in [(CTRL_C, "<2>"), (CTRL_BACKSLASH, "<3>")] {
        terminal.press(key);
        terminal.see(shown);
        crate::stage::kill("USR1", &outgate);
        let between = terminal.see("<10>");
        assert!(!between.contains('<'), "{shown} came again: {between:?}");
    }
    terminal.press("\n");
    terminal.see("prompt$ ");
    assert_eq!(terminal.code(), "0");
}

#[test]
fn ctrl_z_stops_both_and_fg_goes_on() {
    let stage = Stage::new();
    let Some(mut terminal) = Terminal::open(&stage) else {
        return;
    };
    terminal.press("\"$OUTGATE\" exec --quiet -- sed -u 's/^/got:/'\n");
    terminal.press("one\n");
    terminal.see("got:one");
    for (typed, shown) in [("two\n", "got:two"), ("three\n", "got:three")] {
        terminal.press(CTRL_Z);
        terminal.see("Stopped");
        terminal.see("prompt$ ");
        terminal.press("jobs -l\n");
        terminal.see("]+");
        let pid: u32 = terminal.see(" Stopped").trim().parse().unwrap();
        until("outgate is stopped", || {
            crate::stage::state(pid) == Some('T')
        });
        terminal.see("prompt$ ");
        terminal.press("fg\n");
        terminal.press(typed);
        terminal.see(shown);
        assert_ne!(crate::stage::state(pid), Some('T'));
    }
    terminal.press(CTRL_D);
    terminal.see("prompt$ ");
    assert_eq!(terminal.code(), "0");
}

#[test]
fn a_command_that_ignores_ctrl_z_keeps_its_proxy() {
    let stage = Stage::new();
    let Some(mut terminal) = Terminal::open(&stage) else {
        return;
    };
    terminal.press(
        "\"$OUTGATE\" exec --quiet -- sh -c 'trap \"\" TSTP; echo begun-$((40+2)) $PPID.; exec sed -u s/^/got:/'\n",
    );
    terminal.see("begun-42 ");
    let outgate: u32 = terminal.see(".").parse().unwrap();
    terminal.press(CTRL_Z);
    terminal.press("one\n");
    terminal.see("got:one");
    assert_ne!(crate::stage::state(outgate), Some('T'));
    terminal.press(CTRL_D);
    terminal.see("prompt$ ");
    assert_eq!(terminal.code(), "0");
}

#[test]
fn a_repl_is_at_home() {
    let stage = Stage::new();
    let Some(mut terminal) = Terminal::open(&stage).filter(|_| can("python3", &["-c", "pass"]))
    else {
        return;
    };
    terminal.press("\"$OUTGATE\" exec --quiet -- python3 -q\n");
    terminal.see(">>> ");
    terminal.press("import sys, time; sys.stdin.isatty() and 'at-' + 'home'\n");
    terminal.see("'at-home'");
    terminal.see(">>> ");
    terminal.press("print('asleep-%d' % 42); time.sleep(1000)\n");
    terminal.see("asleep-42");
    terminal.press(CTRL_C);
    terminal.see("KeyboardInterrupt");
    terminal.see(">>> ");
    terminal.press("6 * 7\n");
    terminal.see("42");
    terminal.see(">>> ");
    terminal.press(CTRL_D);
    terminal.see("prompt$ ");
    assert_eq!(terminal.code(), "0");
}

#[test]
fn a_shell_inside_has_the_terminal_and_gives_it_back() {
    let stage = Stage::new();
    let Some(mut terminal) = Terminal::open(&stage) else {
        return;
    };
    terminal.press("PS1='in''side> ' \"$OUTGATE\" exec -- bash --norc --noprofile -i\n");
    terminal.see("inside> ");
    terminal.press("sh -c 'echo deep-$((40+2)); exec sleep 1000'\n");
    terminal.see("deep-42");
    // Its own group has the terminal: ^Z is between the inner shell and its job.
    terminal.press(CTRL_Z);
    terminal.see("Stopped");
    terminal.see("inside> ");
    terminal.press("fg\n");
    terminal.see("exec sleep 1000'");
    terminal.press(CTRL_C);
    terminal.see("inside> ");
    terminal.press("exit 6\n");
    terminal.see("0 requests to 0 hosts");
    terminal.see("prompt$ ");
    assert_eq!(terminal.code(), "6");
}

#[test]
fn colour_is_for_terminals() {
    let stage = Stage::new();
    let Some(mut terminal) = Terminal::open(&stage) else {
        return;
    };
    let refused = "curl -s -o /dev/null http://s3.us-east-1.amazonaws.com/";
    terminal.press(&format!("TERM=xterm \"$OUTGATE\" exec -- {refused}\n"));
    terminal.see("\u{1b}[31mrefused\u{1b}[0m: aws-plaintext");
    terminal.see("prompt$ ");
    terminal.press(&format!(
        "NO_COLOR=1 TERM=xterm \"$OUTGATE\" exec -- {refused}\n"
    ));
    terminal.see("outgate: refused: aws-plaintext");
    let piped = stage.sh(&[], refused);
    assert!(
        piped.stderr.contains("outgate: refused: aws-plaintext"),
        "{}",
        piped.stderr
    );
    assert!(!piped.stderr.contains('\u{1b}') && !piped.stderr.contains('\r'));
}
