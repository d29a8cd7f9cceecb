// SPDX-License-Identifier: Apache-2.0
//! A program that does nothing but use CPU, memory or page cache, for `gleaner_tests::load`.
//!
//! It begins at the first line on its standard input and ends when that is closed, so none outlives its test.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{WaitOptions, getpid, set_child_subreaper, wait};
use std::fs::OpenOptions;
use std::hint::black_box;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

const PAGE: usize = 4096;
const CHUNK: usize = 1 << 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // A link of a chain is started by the one before it, and by nobody else.
    if words == ["link"] {
        return link();
    }
    if io::stdin().read_line(&mut String::new()).is_err() {
        return ExitCode::FAILURE;
    }
    let started = match words[..] {
        ["idle"] => Some(()),
        ["spin", threads] => number(threads).map(spin),
        ["hold", bytes] => number(bytes).map(|bytes| in_background(move || hold(bytes))),
        ["grow", bytes, rate] => number(bytes)
            .zip(number(rate))
            .map(|(bytes, rate)| in_background(move || grow(bytes, rate))),
        ["churn", bytes] => number(bytes).map(|bytes| in_background(move || churn(bytes))),
        ["cache", path, bytes] => number(bytes).map(|bytes| on_file(path, bytes, cache)),
        ["disk", path, bytes] => number(bytes).map(|bytes| on_file(path, bytes, disk)),
        ["commit", path, bytes, a_second] => {
            number(bytes).zip(number(a_second)).map(|(bytes, rate)| {
                on_file(path, bytes, move |path, bytes| commit(path, bytes, rate))
            })
        }
        ["stream", threads, bytes] => number(threads).zip(number(bytes)).map(|(threads, bytes)| {
            (0..threads).for_each(|_| in_background(move || stream(bytes)));
        }),
        ["deaf"] => {
            ignore_termination();
            Some(())
        }
        ["chain", chains] => number(chains).map(chain),
        _ => None,
    };
    if started.is_none() {
        eprintln!("load: not understood: {words:?}");
        return ExitCode::FAILURE;
    }
    // Ends with the standard input; the other threads end with this one.
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    ExitCode::SUCCESS
}

fn number(text: &str) -> Option<usize> {
    text.parse().ok()
}

fn in_background(work: impl FnOnce() + Send + 'static) {
    std::thread::spawn(work);
}

fn on_file(
    path: &str,
    bytes: usize,
    work: impl FnOnce(&str, usize) -> io::Result<()> + Send + 'static,
) {
    let path = path.to_owned();
    in_background(move || {
        if let Err(error) = work(&path, bytes) {
            eprintln!("load: {path}: {error}");
        }
    });
}

fn spin(threads: usize) {
    for _ in 0..threads {
        in_background(|| {
            let mut count = 0_u64;
            loop {
                count = black_box(count.wrapping_add(1));
            }
        });
    }
}

fn ignore_termination() {
    #[expect(unsafe_code, reason = "there is no safe way to ignore a signal")]
    // SAFETY: SIG_IGN runs no code of ours.
    unsafe {
        libc::signal(libc::SIGTERM, libc::SIG_IGN);
    }
}

/// Starts chains, and buries their links: they pass to the next process above that asked for it.
fn chain(chains: usize) {
    if set_child_subreaper(Some(getpid())).is_ok() {
        for _ in 0..chains {
            let _ = link();
        }
        in_background(|| while wait(WaitOptions::empty()).is_ok() {});
    }
}

/// Starts the next link, unless the test is over: then standard input is closed.
fn link() -> ExitCode {
    let stdin = io::stdin();
    let mut closed = [PollFd::new(&stdin, PollFlags::empty())];
    let now = Timespec::default();
    let over = poll(&mut closed, Some(&now)).is_err() || !closed[0].revents().is_empty();
    let next = || Command::new(std::env::current_exe()?).arg("link").spawn();
    if over || next().is_err() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Memory whose every page has been written, so that the kernel has given all of it.
fn touched(bytes: usize) -> Vec<u8> {
    let mut memory = vec![0; bytes];
    touch(&mut memory, 1);
    memory
}

fn touch(memory: &mut [u8], value: u8) {
    memory.iter_mut().step_by(PAGE).for_each(|byte| *byte = value);
    black_box(memory);
}

fn hold(bytes: usize) {
    let memory = touched(bytes);
    loop {
        std::thread::park();
        black_box(&memory);
    }
}

fn grow(bytes: usize, rate: usize) {
    let mut held = Vec::new();
    let mut due = Instant::now();
    for taken in (0..bytes).step_by(CHUNK) {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        held.push(touched(CHUNK.min(bytes - taken)));
        due += Duration::from_secs_f64(CHUNK as f64 / rate.max(1) as f64);
        // Who was frozen goes on at its rate: no leak makes up for the time it missed.
        if due.elapsed() > Duration::from_secs(1) {
            due = Instant::now();
        }
    }
    loop {
        std::thread::park();
        black_box(&held);
    }
}

fn churn(bytes: usize) {
    let mut memory = touched(bytes);
    for value in (0..u8::MAX).cycle() {
        touch(&mut memory, value);
    }
}

fn cache(path: &str, bytes: usize) -> io::Result<()> {
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    let mut buffer = vec![7; CHUNK];
    for written in (0..bytes).step_by(CHUNK) {
        file.write_all(&buffer[..CHUNK.min(bytes - written)])?;
    }
    // Clean pages can be dropped at once, and it is droppable cache that tests want.
    file.sync_data()?;
    loop {
        file.seek(SeekFrom::Start(0))?;
        for read in (0..bytes).step_by(CHUNK) {
            file.read_exact(&mut buffer[..CHUNK.min(bytes - read)])?;
        }
    }
}

fn stream(bytes: usize) {
    let memory = vec![1_u64; bytes / size_of::<u64>()];
    loop {
        let sum = memory.iter().fold(0_u64, |sum, word| sum.wrapping_add(*word));
        black_box(sum);
    }
}

/// Past the page cache: it waits for the disk, for nobody's dirty pages, and needs hardly any CPU.
fn commit(path: &str, bytes: usize, a_second: usize) -> io::Result<()> {
    let direct = rustix::fs::OFlags::DIRECT.bits().cast_signed();
    let file = OpenOptions::new().write(true).custom_flags(direct).open(path)?;
    let memory = vec![7_u8; bytes + PAGE];
    // Direct IO wants its memory aligned as the disk is.
    let aligned = &memory[memory.as_ptr().align_offset(PAGE)..][..bytes];
    let pause = u32::try_from(a_second).ok().filter(|rate| *rate > 0);
    let pause = pause.map_or(Duration::ZERO, |rate| Duration::from_secs(1) / rate);
    let mut due = Instant::now();
    loop {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        file.write_all_at(aligned, 0)?;
        due += pause;
    }
}

fn disk(path: &str, bytes: usize) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    let buffer = vec![7; CHUNK];
    loop {
        file.seek(SeekFrom::Start(0))?;
        for written in (0..bytes).step_by(CHUNK) {
            file.write_all(&buffer[..CHUNK.min(bytes - written)])?;
            file.sync_data()?;
        }
    }
}
