// SPDX-License-Identifier: Apache-2.0
//! Recordings: what goes in comes out, whatever a crash, damage, a full disk or rotation did in between.

use crate::common::{self, Noise};
use crate::told::{any_report, at};
use gleaner_backtest::recording::{
    Pseudonyms, Recorded, Recorder, RecorderOptions, RecordingReader, Told,
};
use gleaner_estimator::sample::{
    Allocation, Class, CpuTimes, LoadAverage, MemoryEvents, MemoryInfo, NodeSample, Psi, PsiSet,
    Sample, Task, TaskCounters, TaskId, TaskSample,
};
use gleaner_estimator::units::{Bytes, MilliCpus, Span, Timestamp};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

pub(crate) const WALL: u64 = 1_700_000_000_000;

pub(crate) fn task(name: &str, class: Class) -> Arc<Task> {
    Arc::new(Task {
        id: TaskId { name: name.into(), inode: 7 },
        class,
        why: format!("below {name}"),
        allocation: Allocation { cpu: Some(MilliCpus(1500)), memory: Some(Bytes(1 << 30)) },
        priority: -3,
        tenant: Some("shop".to_owned()),
        labels: vec![("app".to_owned(), "web".to_owned())],
        started: Some(Timestamp(5)),
    })
}

fn psi_set(noise: &mut Noise, secs: u64) -> PsiSet {
    let mut one = |scale: u32| {
        let some_usec = secs * 1000 + noise.below(scale);
        Some(Psi { some_usec, full_usec: Some(some_usec / 3) })
    };
    PsiSet { cpu: one(4000), memory: None, io: one(500) }
}

/// A busy service after so many seconds: counters that grow unevenly, memory that wanders.
fn counters(noise: &mut Noise, secs: u64) -> TaskCounters {
    let wander = |noise: &mut Noise, base: u64| Some(Bytes(base + noise.below(500) * 4096));
    let usec = secs * 300_000 + noise.below(200_000);
    TaskCounters {
        cpu_usage_usec: Some(usec),
        throttled_usec: Some(secs / 7 * 1000),
        periods: Some(secs * 10),
        throttled_periods: Some(secs / 7),
        memory_current: wander(noise, 300 << 20),
        working_set: wander(noise, 200 << 20),
        file_cache: wander(noise, 100 << 20),
        memory_limit: Some(Bytes(1 << 30)),
        major_faults: Some(secs / 60),
        memory_events: Some(MemoryEvents { high: 1, max: 2, oom: 0, oom_kill: 0 }),
        psi: psi_set(noise, secs),
        pids: Some(20),
        run_wait_ns: Some(secs * 3_000_000 + noise.below(1_000_000)),
        run_cpu_ns: Some(usec * 1000),
    }
}

fn node(noise: &mut Noise, secs: u64) -> NodeSample {
    let free = Bytes((8 << 30) + noise.below(100_000) * 4096);
    NodeSample {
        capacity_cpu: MilliCpus(16_000),
        capacity_memory: Bytes(64 << 30),
        cpu: Some(CpuTimes {
            busy_usec: secs * 5_000_000 + noise.below(1_000_000),
            idle_usec: secs * 11_000_000,
            steal_usec: 0,
        }),
        memory: Some(MemoryInfo {
            total: Bytes(64 << 30),
            available: Some(free),
            free,
            swap_total: Bytes(0),
            swap_free: Bytes(0),
        }),
        load: Some(LoadAverage {
            one_milli: 4100 + secs % 90,
            five_milli: 4000,
            fifteen_milli: 3900,
        }),
        psi: psi_set(noise, secs),
    }
}

/// One sample a second of `tasks` busy services; the first one is best effort.
pub(crate) fn samples(seconds: u64, tasks: usize) -> Vec<Sample> {
    let class = |i| if i == 0 { Class::BestEffort } else { Class::Guaranteed };
    let tasks: Vec<_> = (0..tasks).map(|i| task(&format!("/pods/{i:04}"), class(i))).collect();
    let mut noise = Noise(9);
    (1..=seconds)
        .map(|secs| Sample {
            at: Timestamp(secs * 1_000_000_000),
            node: node(&mut noise, secs),
            tasks: tasks
                .iter()
                .map(|task| TaskSample {
                    task: Arc::clone(task),
                    counters: counters(&mut noise, secs),
                })
                .collect(),
            vanished: u32::from(secs % 50 == 0),
        })
        .collect()
}

pub(crate) fn options(block_s: u64) -> RecorderOptions {
    RecorderOptions { block: Span::from_secs(block_s), ..RecorderOptions::default() }
}

pub(crate) fn record(path: &Path, samples: &[Sample], options: RecorderOptions) {
    let mut recorder = Recorder::open(path, WALL, options).expect("a new recording");
    for sample in samples {
        recorder.append(sample, wall(sample)).expect("room on disk");
    }
    recorder.close().expect("room on disk");
}

pub(crate) fn wall(sample: &Sample) -> u64 {
    WALL + sample.at.0 / 1_000_000
}

pub(crate) fn read(path: &Path) -> (Vec<Recorded>, RecordingReader) {
    let mut reader = RecordingReader::open(path).expect("a recording");
    let recorded = reader.by_ref().collect::<Result<_, _>>().expect("no read errors");
    (recorded, reader)
}

pub(crate) fn bodies(recorded: &[Recorded]) -> Vec<Sample> {
    recorded.iter().map(|r| r.sample().expect("a sample").clone()).collect()
}

#[test]
fn what_was_sampled_comes_back() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("node.rec");
    let samples = samples(95, 5);
    record(&path, &samples, options(10));
    let (recorded, reader) = read(&path);
    assert_eq!(bodies(&recorded), samples);
    assert!(recorded.iter().zip(&samples).all(|(r, s)| r.at == s.at && r.wall_ms == wall(s)));
    let starts: Vec<bool> = recorded.iter().take(3).map(|r| r.starts).collect();
    assert_eq!(starts, [true, false, false]);
    assert_eq!(reader.damage(), []);
}

#[test]
fn a_file_cut_at_any_byte_of_its_last_block_loses_only_that_block() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("node.rec");
    let samples = samples(33, 3);
    // A block of ten seconds holds eleven samples a second apart.
    record(&path, &samples, options(10));
    let whole = fs::read(&path).expect("readable");
    let last_block = last_block_start(&whole);
    for cut in last_block..whole.len() {
        let torn = dir.path().join("torn.rec");
        fs::write(&torn, &whole[..cut]).expect("a temporary file");
        let (recorded, reader) = read(&torn);
        assert_eq!(bodies(&recorded), samples[..22], "cut at byte {cut}");
        let torn_bytes: u64 = reader.damage().iter().map(|d| d.bytes).sum();
        assert_eq!(torn_bytes, (cut - last_block) as u64);
        assert!(reader.damage().iter().all(|d| d.torn));
        continue_recording(&torn, &samples[..22]);
    }
}

/// Where the last block of a file begins: its sync bytes stand there.
fn last_block_start(whole: &[u8]) -> usize {
    whole.windows(4).rposition(|w| w == b"\xf7GB\n").expect("a file has blocks")
}

/// A recorder that continues a torn file cuts the tail off and loses nothing else.
fn continue_recording(path: &Path, before: &[Sample]) {
    let mut recorder = Recorder::open(path, WALL + 60_000, options(10)).expect("a recording");
    let later = samples(3, 1);
    for sample in &later {
        recorder.append(sample, wall(sample)).expect("room on disk");
    }
    drop(recorder);
    let (recorded, reader) = read(path);
    assert_eq!(bodies(&recorded), [before, &later[..]].concat());
    assert!(recorded[before.len()].starts, "a new run of the recorder");
    assert_eq!(reader.damage(), [], "the torn tail is gone");
}

#[test]
fn any_flipped_byte_costs_at_most_its_run_and_never_the_others() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("node.rec");
    let runs = [1, 2, 1].map(|tasks| samples(6, tasks));
    for (i, run) in runs.iter().enumerate() {
        let mut recorder = Recorder::open(&path, WALL + i as u64, options(3)).expect("a recording");
        for sample in run {
            recorder.append(sample, wall(sample)).expect("room on disk");
        }
        recorder.close().expect("room on disk");
    }
    let whole = fs::read(&path).expect("readable");
    for at in 8..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, &bytes).expect("a temporary file");
        let (recorded, reader) = read(&path);
        assert!(!reader.damage().is_empty(), "byte {at} was changed and nobody noticed");
        let got = bodies(&recorded);
        let intact = runs.iter().filter(|run| got.windows(run.len()).any(|w| w == run.as_slice()));
        assert!(intact.count() >= 2, "byte {at} cost more than one run");
        assert!(got.iter().all(|s| runs.iter().flatten().any(|r| r == s)), "byte {at}: invented");
    }
}

#[test]
fn files_rotate_by_size_and_the_oldest_goes() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("node.rec");
    let samples = samples(900, 4);
    let limits = RecorderOptions { max_bytes: 20_000, keep: 2, ..options(10) };
    record(&path, &samples, limits);
    let mut files: Vec<_> = fs::read_dir(dir.path())
        .expect("readable")
        .map(|e| e.expect("readable").file_name().into_string().expect("plain names"))
        .collect();
    files.sort();
    assert_eq!(files, ["node.rec", "node.rec.1", "node.rec.2"]);
    let size = |name: &String| fs::metadata(dir.path().join(name)).expect("there").len();
    assert!(
        files.iter().all(|name| size(name) < 25_000),
        "a file is a block above its limit at most"
    );
    let (recorded, reader) = read(&path);
    assert_eq!(reader.damage(), []);
    assert!(recorded.len() > 100 && recorded.len() < 900, "{} readings are left", recorded.len());
    assert_eq!(
        bodies(&recorded),
        samples[samples.len() - recorded.len()..],
        "the newest, in order"
    );
    assert_eq!(recorded.iter().filter(|r| r.starts).count(), 1, "rotation is not a new run");
}

#[test]
fn hashed_names_hide_and_still_tell_tasks_apart() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("node.rec");
    let samples = samples(25, 4);
    let names = Some(Pseudonyms::new(*b"0123456789abcdef"));
    let mut recorder =
        Recorder::open(&path, WALL, RecorderOptions { names, ..options(10) }).expect("new");
    for sample in &samples {
        recorder.append(sample, wall(sample)).expect("room on disk");
    }
    let late = Timestamp(u64::MAX / 2);
    let told = [any_report("/pods/0001"), Told::Failed("/pods/0001/cpu.stat: gone".to_owned())];
    for told in told.map(|told| at(told, late)) {
        let recorded = Recorded { starts: false, at: late, wall_ms: WALL, told };
        recorder.tell(&recorded.event(), WALL).expect("room on disk");
    }
    recorder.close().expect("room on disk");
    let (recorded, _) = read(&path);
    let shown = format!("{recorded:?}");
    for secret in ["pods", "shop", "web", "below", "cpu.stat"] {
        assert!(!shown.contains(secret), "{secret} is to be seen");
    }
    for (recorded, sample) in recorded.iter().zip(&samples) {
        let hashed = recorded.sample().expect("a sample");
        assert_eq!(hashed.validate(100), Ok(()), "sorted by the new names");
        let mut counters: Vec<_> = hashed.tasks.iter().map(|t| t.counters).collect();
        for task in &sample.tasks {
            let at =
                counters.iter().position(|c| *c == task.counters).expect("every task is there");
            counters.swap_remove(at);
        }
    }
    let ids = |sample: &Sample| sample.tasks.iter().map(|t| t.task.id.clone()).collect::<Vec<_>>();
    let shown = bodies(&recorded[..25]);
    assert!(shown.iter().all(|sample| ids(sample) == ids(&shown[0])), "one name, one hash");
    let parts: Vec<usize> = ids(&shown[0]).iter().map(|id| id.name.split('/').count()).collect();
    assert_eq!(parts, [3; 4], "/pods/0001 is still a path of two parts below the root");
}

#[test]
fn what_is_no_recording_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = common::write(dir.path(), "notes.txt", "shopping list");
    let error = Recorder::open(&path, WALL, options(10)).map(|_| ()).expect_err("not a recording");
    assert!(error.to_string().contains("notes.txt: not a recording"), "{error}");
    assert_eq!(fs::read(&path).expect("readable"), b"shopping list");
    let newer = common::write(dir.path(), "new.rec", b"GLNRREC\x02");
    let error = RecordingReader::open(&newer).map(|_| ()).expect_err("from the future");
    assert!(error.to_string().contains("format 2"), "{error}");
}

/// A file system of 128 KiB that goes away with its guard.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut mount = Command::new("mount");
        let made = mount.args(["-t", "tmpfs", "-o", "size=128k", "tmpfs"]).arg(dir.path()).output();
        made.is_ok_and(|output| output.status.success()).then(|| Self(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "a mount stayed behind");
    }
}

#[test]
fn a_full_disk_loses_readings_and_recording_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else {
        println!("SKIPPED: mounting a small file system is not permitted here");
        return;
    };
    let path = disk.0.path().join("node.rec");
    let filler = disk.0.path().join("filler");
    fs::write(&filler, vec![0; 90_000]).expect("there is room for this");
    let samples = samples(1200, 4);
    let mut recorder = Recorder::open(&path, WALL, options(10)).expect("room for a head");
    let mut errors = 0;
    let mut freed = None;
    for (i, sample) in samples.iter().enumerate() {
        match recorder.append(sample, wall(sample)) {
            Ok(()) => {}
            Err(error) => {
                errors += 1;
                assert!(error.to_string().contains("node.rec"), "{error}");
                if errors == 3 {
                    fs::remove_file(&filler).expect("removable");
                    freed = Some(i + 1);
                }
            }
        }
        if freed.is_some_and(|freed| i > freed + 100) {
            break;
        }
    }
    let freed = freed.expect("the disk filled up");
    let lost = usize::try_from(recorder.lost()).expect("few");
    assert_eq!((errors, lost), (3, 33), "three blocks of eleven");
    recorder.close().expect("there is room again");
    let (recorded, reader) = read(&path);
    assert_eq!(reader.damage(), []);
    let got = bodies(&recorded);
    assert_eq!(got[..freed - lost], samples[..freed - lost], "all before the disk was full");
    assert_eq!(got[freed - lost..][..50], samples[freed..][..50], "all after there was room");
}
