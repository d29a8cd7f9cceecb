// SPDX-License-Identifier: Apache-2.0
//! Every key once: path, type, default, limits, meaning. Parsing, defaults, `docs/config.md` and the sample file come from here.

use super::host::{LogFormat, LogLevel, OrAuto, Preset, TaskRule};
use super::key::{Key, key, predictor_key, read};
use super::predict::{offer_horizon, other_horizons, set_horizons};
use super::qos_keys::QOS_KEYS;
use super::setting::{Setting, Stored};
use super::{Config, Mode, Quota};
use core::net::SocketAddr;
use gleaner_estimator::predict::PredictorKind;
use gleaner_estimator::sample::Class;
use gleaner_estimator::slack::Lend;
use gleaner_estimator::units::{Bytes, MilliCpus, Ratio, Span};
use std::path::PathBuf;

/// The sections in the order of the documents, each with what it is about.
pub(super) const SECTIONS: &[(&str, &str)] = &[
    ("", "How far Gleaner may go."),
    ("sample", "How often the node is read, and when a reading is too old."),
    ("lend", "Which part of the node may be lent, and from when."),
    ("cpu", "How CPU is lent."),
    (
        "memory",
        "How memory is lent. It cannot be taken back without killing, so lending it is off until asked for.",
    ),
    (
        "predict",
        "How the peak of guaranteed and system work is predicted. The default needs none of the numbers of other predictors: those are there to be compared with (`gleaner backtest`).",
    ),
    ("predict.cpu", "Numbers of single predictors that differ by resource: CPU."),
    ("predict.memory", "Numbers of single predictors that differ by resource: memory."),
    (
        "qos",
        "When lent resource is taken back, and from whom. The numbers below were measured on two cores or are judgement (docs/config.md says which): change them with a backtest, not by feeling.",
    ),
    (
        "qos.cpu",
        "When guaranteed tasks are harmed over CPU. Judged in windows of a second from run-queue wait and stall times.",
    ),
    (
        "qos.memory",
        "When memory runs out. Headroom is MemAvailable less the page cache that guaranteed tasks live on; it is watched ahead of harm, because pressure comes after it.",
    ),
    ("qos.io", "When guaranteed tasks are harmed over block IO. Nothing here was measured."),
    ("qos.probe", "The short freeze that shows whether best-effort tasks are the cause."),
    ("qos.budget", "How much is done at once, and how long is waited before more."),
    (
        "qos.compat",
        "Load averages and used memory as the threshold modules for Mesos judged them, for who had those.",
    ),
    (
        "watch",
        "How closely harm is watched between two readings: the counters of guaranteed tasks and free memory alone.",
    ),
    ("act", "How what is decided is carried out, where `mode` allows it."),
    ("policy", "Who decides, where it is not the built-in policy."),
    (
        "agent",
        "Modules of a Mesos agent that let this daemon decide, so that it can be upgraded without the agent.",
    ),
    ("layout", "Where tasks are, and what class each has."),
    ("http", "Metrics, state and the page."),
    ("offer", "Handing the offer to a scheduler that reads files."),
    ("audit", "A file with one JSON line a decision."),
    ("state", "What was learned, kept across restarts so that they do not start cold."),
    ("log", "What is logged to standard error."),
    ("limits", "Everything has a limit."),
];

/// The list of tables that names tasks.
pub(super) const TASK_RULES: &str = "layout.task";

/// The list of tables that names policies which decide beside the live one.
pub(super) const SHADOWS: &str = "shadow";

/// The keys of the file.
pub(super) fn keys() -> impl Iterator<Item = &'static Key<Config>> {
    KEYS.iter().chain(QOS_KEYS)
}

const KEYS: &[Key<Config>] = &[
    key!("mode", [engine.mode]: Mode = Some("\"observe\""), None,
        "How far to go. `observe` decides and shows and touches nothing; `squeeze` also holds best-effort work in the lowest class and limits it; `evict` also kills best-effort tasks when milder means do not help."),
    key!("sample.interval", [engine.interval]: Span = Some("\"1s\""), Some(("100ms", "60s")),
        "Time between two readings. One second sees a burst before it has lasted for two; reading 150 tasks at this rate costs well under 1 % of a core."),
    key!("sample.stale_after", [engine.stale_after]: Span = Some("\"3s\""), Some(("200ms", "10min")),
        "A last good reading older than this lends nothing, and a larger gap between two readings starts over cold. When it is not written it is three times `sample.interval`, and at least 3s: two readings may be lost, not three."),
    key!("sample.memory_stat_every", [host.memory_stat_every]: Span = Some("\"10s\""), Some(("100ms", "5min")),
        "Time between two readings of a task's `memory.stat`, which is about half of the cost of reading a task; in between its last values are used."),
    key!("sample.rescan_every", [host.rescan_every]: Span = Some("\"1min\""), Some(("1s", "1h")),
        "Time between two full listings of the cgroups, at which limits and weights are read again too. New and vanished cgroups are noticed at once by inotify, so this only catches what it missed."),
    key!("lend.rule", [host.lend]: OrAuto<Lend> = Some("\"auto\""), None,
        "Which part may be lent. `allocated`: only what guaranteed tasks were promised and leave unused, for a scheduler that offers the rest itself. `headroom`: everything that guaranteed and system work leaves unused. `auto` takes `allocated` beside a Mesos agent and `headroom` elsewhere."),
    key!("lend.warm_up", [engine.warm_up]: Span = Some("\"5min\""), Some(("0s", "7d")),
        "Time that must have been seen before anything is lent, after a start and after a gap. Five minutes see every cron job and collector that runs each minute several times."),
    key!("lend.task_warm_up", [engine.task_warm_up]: Span = Some("\"5min\""), Some(("0s", "7d")),
        "A guaranteed task younger than this counts at what it was promised: its peak is still ahead of it (start-up, filling caches)."),
    key!("cpu.enabled", [engine.cpu.enabled]: bool = Some("true"), None,
        "Whether CPU is lent. What was lent is back within a scheduler tick, so it is on."),
    key!("cpu.reserve", [engine.cpu.reserve]: Quota<MilliCpus> = Some("\"5%\""), Some(("0%", "100%")),
        "What is never lent, for the kernel and whatever nobody predicted. A share is of the node's capacity, rounded up."),
    key!("cpu.cap", [engine.cpu.cap]: Option<Quota<MilliCpus>> = Some("\"none\""), Some(("0%", "100%")),
        "Most that may be lent in all."),
    key!("cpu.threshold", [engine.cpu.threshold]: MilliCpus = Some("\"0.1 cores\""), Some(("0 cores", "1000 cores")),
        "Less than this is not offered. A tenth of a core is useful on two cores; on a large node raise it to the smallest task worth starting."),
    key!("cpu.quantum", [engine.cpu.quantum]: MilliCpus = Some("\"0.1 cores\""), Some(("0.001 cores", "1000 cores")),
        "Offers are multiples of this, rounded down, so that small changes of load do not change the offer: schedulers rescind what they have offered at every change."),
    key!("cpu.rise", [engine.cpu.rise]: Option<Quota<MilliCpus>> = Some("\"10%\""), Some(("0.1%", "100%")),
        "Most that the lent and offered total rises in one step; it falls at once. `none` rises at once too."),
    key!("cpu.rise_every", [engine.cpu.rise_every]: Span = Some("\"10s\""), Some(("0s", "1h")),
        "The shortest time between two steps up. With 10 % steps an idle node is lent in full after 100 s."),
    key!("cpu.risk", [engine.cpu.predictor.risk]: Ratio = Some("\"1%\""), Some(("0.01%", "20%")),
        "Share of time in which the true peak of guaranteed and system work may exceed the prediction. Smaller lends less. Being wrong about CPU costs waiting until the next reading, so 1 % is bearable."),
    key!("memory.enabled", [engine.memory.enabled]: bool = Some("false"), None,
        "Whether memory is lent. Taking it back means killing."),
    key!("memory.reserve", [engine.memory.reserve]: Quota<Bytes> = Some("\"10%\""), Some(("0%", "100%")),
        "What is never lent. A share is of the node's capacity, rounded up."),
    key!("memory.cap", [engine.memory.cap]: Option<Quota<Bytes>> = Some("\"none\""), Some(("0%", "100%")),
        "Most that may be lent in all."),
    key!("memory.threshold", [engine.memory.threshold]: Bytes = Some("\"256MiB\""), Some(("0B", "1024TiB")),
        "Less than this is not offered."),
    key!("memory.quantum", [engine.memory.quantum]: Bytes = Some("\"64MiB\""), Some(("4KiB", "1TiB")),
        "Offers are multiples of this, rounded down."),
    key!("memory.rise", [engine.memory.rise]: Option<Quota<Bytes>> = Some("\"10%\""), Some(("0.1%", "100%")),
        "Most that the lent and offered total rises in one step; it falls at once. `none` rises at once too."),
    key!("memory.rise_every", [engine.memory.rise_every]: Span = Some("\"10s\""), Some(("0s", "1h")),
        "The shortest time between two steps up."),
    key!("memory.risk", [engine.memory.predictor.risk]: Ratio = Some("\"0.1%\""), Some(("0.01%", "20%")),
        "Share of time in which the true peak may exceed the prediction. Being wrong about memory kills somebody, so it is a tenth of that of CPU."),
    predictor_key!("predict.predictor", [kind]: PredictorKind = Some("\"calibrated\""), None,
        "By name. `calibrated` keeps to the risk asked for by learning from its own outcomes; the others are what is known from elsewhere, and the risk is only measured."),
    Key {
        path: "predict.horizon",
        default: Some("\"30min\""),
        limits: Some(("1s", "7d")),
        meaning: "How far ahead what is lent must be safe. On public traces half an hour left 76 % of what was promised to be lent, five minutes 82 % and a day 64 %.",
        form: <Span as Setting>::form,
        read: |config, value, limits| {
            let horizon = read::<Span>(value, limits)?;
            set_horizons(config, horizon, &other_horizons(config));
            Ok(())
        },
        show: |config| offer_horizon(config).show(),
    },
    Key {
        path: "predict.other_horizons",
        default: Some("[\"5min\", \"1d\"]"),
        limits: None,
        meaning: "Up to three further horizons that are predicted and shown, and never lent by.",
        form: <Vec<Span> as Setting>::form,
        read: |config, value, limits| {
            let others = read::<Vec<Span>>(value, limits)?;
            set_horizons(config, offer_horizon(config), &others);
            Ok(())
        },
        show: |config| other_horizons(config).show(),
    },
    predictor_key!("predict.start_ramp", [parameters.start_ramp]: bool = Some("true"), None,
        "`calibrated`: begin at what was promised and come down over the longer of 2 h and the horizon. Without it the first day is wrong 2 to 4 times as often as asked."),
    predictor_key!("predict.forget_first_day", [parameters.forget_first_day]: bool = Some("true"), None,
        "`calibrated`: after a day, forget what that day's outcomes taught: it is more cautious than it need be. Without it a calm node lends too little for days."),
    predictor_key!("predict.borg_share", [parameters.phi]: Ratio = Some("\"90%\""), Some(("0%", "100%")),
        "`borg`: share of what was promised that is needed."),
    predictor_key!("predict.percentile", [parameters.percentile]: Ratio = Some("\"99%\""), Some(("0%", "100%")),
        "`percentile`, `max`: which percentile of each task's use."),
    predictor_key!("predict.window", [parameters.window]: Span = Some("\"10h\""), Some(("1s", "7d")),
        "`percentile`, `n-sigma`, `max`: how far back they look."),
    predictor_key!("predict.warm_up", [parameters.warm_up]: Span = Some("\"2h\""), Some(("1s", "7d")),
        "`percentile`, `n-sigma`, `max`: a younger task counts at what it was promised."),
    predictor_key!("predict.sigma", [parameters.sigma]: f64 = Some("5.0"), Some(("0", "1000")),
        "`n-sigma`, `max`: how many standard deviations above the mean."),
    predictor_key!("predict.ema_weight", [parameters.ema_weight]: Ratio = Some("\"20%\""), Some(("0.1%", "100%")),
        "`ema`: weight of the newest five minutes."),
    predictor_key!("predict.ema_factor", [parameters.ema_factor]: f64 = Some("1.5"), Some(("0", "1000")),
        "`ema`: factor on the average."),
    predictor_key!("predict.decaying_margin", [parameters.decaying_margin]: f64 = Some("1.1"), Some(("0", "1000")),
        "`decaying`: factor on the percentile."),
    predictor_key!("predict.decaying_warm_up", [parameters.decaying_warm_up]: Span = Some("\"1d\""), Some(("1s", "7d")),
        "`decaying`: a younger task counts at what it was promised."),
    predictor_key!("predict.load_1min", [parameters.load_thresholds[0]]: Option<f64> = Some("\"none\""), Some(("0", "1000000")),
        "`threshold`: nothing is lent while the node's load average over one minute is at least this."),
    predictor_key!("predict.load_5min", [parameters.load_thresholds[1]]: Option<f64> = Some("\"none\""), Some(("0", "1000000")),
        "`threshold`: the same over five minutes, while the shorter one is as high."),
    predictor_key!("predict.load_15min", [parameters.load_thresholds[2]]: Option<f64> = Some("\"none\""), Some(("0", "1000000")),
        "`threshold`: the same over fifteen minutes, while the shorter ones are as high."),
    predictor_key!("predict.memory_used", [parameters.memory_threshold]: Option<Bytes> = Some("\"none\""), None,
        "`threshold`: nothing is lent while this much of the node's memory is in use (MemTotal − MemAvailable)."),
    key!("predict.cpu.amount", [engine.cpu.predictor.parameters.amount]: MilliCpus = Some("\"0 cores\""), None,
        "`fixed`, `threshold`: what is never needed, and so may be lent."),
    key!("predict.cpu.decaying_percentile", [engine.cpu.predictor.parameters.decaying_percentile]: Ratio = Some("\"95%\""), Some(("0%", "100%")),
        "`decaying`: which percentile."),
    key!("predict.cpu.decaying_half_life", [engine.cpu.predictor.parameters.decaying_half_life]: Span = Some("\"12h\""), Some(("1s", "7d")),
        "`decaying`: after this an observation counts half."),
    key!("predict.cpu.decaying_bucket", [engine.cpu.predictor.parameters.decaying_bucket]: MilliCpus = Some("\"0.025 cores\""), Some(("0.001 cores", "1000 cores")),
        "`decaying`: size of the first bucket; each further one is 5 % larger."),
    key!("predict.memory.amount", [engine.memory.predictor.parameters.amount]: Bytes = Some("\"0B\""), None,
        "`fixed`, `threshold`: what is never needed, and so may be lent."),
    key!("predict.memory.decaying_percentile", [engine.memory.predictor.parameters.decaying_percentile]: Ratio = Some("\"98%\""), Some(("0%", "100%")),
        "`decaying`: which percentile."),
    key!("predict.memory.decaying_half_life", [engine.memory.predictor.parameters.decaying_half_life]: Span = Some("\"1d\""), Some(("1s", "7d")),
        "`decaying`: after this an observation counts half."),
    key!("predict.memory.decaying_bucket", [engine.memory.predictor.parameters.decaying_bucket]: Bytes = Some("\"5MiB\""), Some(("1B", "1TiB")),
        "`decaying`: size of the first bucket; each further one is 5 % larger."),
    key!("watch.every", [host.watch.every]: Span = Some("\"100ms\""), Some(("10ms", "1s")),
        "Time between two glances while nothing is wrong. A probe needs two of them within its 200 ms."),
    key!("watch.every_in_need", [host.watch.every_in_need]: Span = Some("\"25ms\""), Some(("10ms", "1s")),
        "The same while a resource is not calm, somebody is frozen, or best-effort tasks may run outside their standing class. At 25 ms contention that begins is answered within 150 ms."),
    key!("watch.budget", [host.watch.budget]: Ratio = Some("\"0.5%\""), Some(("0.01%", "100%")),
        "Most of one core that glances take while nothing is wrong: where one costs more, they become rarer, down to one a second. In need it is ten times as much."),
    key!("act.journal", [host.act.journal]: PathBuf = Some("\"/run/gleaner/journal\""), None,
        "What was changed, from what to what, so that a start after a kill puts it back. On a tmpfs: a disk may be what is contended, and nothing in it outlives a boot."),
    key!("act.grace", [host.act.grace]: Span = Some("\"5s\""), Some(("0s", "5min")),
        "From SIGTERM to the kill, where nothing presses; where memory runs out there is none. At least 5 s less than `qos.budget.gone_within`, after which an eviction counts as ignored."),
    key!("act.protected_processes", [host.act.protected_processes]: Vec<String> = Some("[]"), None,
        "Names of processes whose cgroup is never touched, as in `/proc/<pid>/comm` or of the program file. Gleaner itself, PID 1, the agent and the kubelet always are. `qos.protected` names cgroups."),
    key!("policy.library", [host.policy.library]: Option<PathBuf> = Some("\"none\""), None,
        "A library that exports `gleaner_policy_*` (docs/ffi.md) and decides in the place of the built-in policy. Its offers are cut to the slack, it can evict best-effort tasks and nothing else, and what makes no sense offers nothing and evicts nobody. It runs inside this process: name only what you trust."),
    key!("agent.socket", [host.agent.socket]: Option<PathBuf> = Some("\"none\""), None,
        "Unix socket for modules in thin mode (`socket=` among a module's parameters), of the same user or root. While one that corrects is connected, evictions go through its agent; everything else is done here."),
    key!("layout.preset", [host.layout.preset]: OrAuto<Preset> = Some("\"auto\""), None,
        "Who arranges the cgroups of this node. `auto` looks for a Mesos agent's, then for a kubelet's, then for systemd's. `globs` knows only the tasks of `[[layout.task]]`."),
    key!("layout.proc_root", [host.layout.proc_root]: PathBuf = Some("\"/proc\""), None,
        "Where the node's `/proc` is mounted; another place only inside a container."),
    key!("layout.mount_prefix", [host.layout.mount_prefix]: PathBuf = Some("\"/\""), None,
        "Put before every mount point of the node's cgroup hierarchies: `/host` inside a container that sees the node's root there."),
    key!("layout.containers_root", [host.layout.containers_root]: OrAuto<String> = Some("\"auto\""), None,
        "The cgroup below which the preset looks for tasks, such as `mesos` where the agent was started with another `--cgroups_root`. Its CPUs and its memory limit bound what can be lent, also with patterns, which lie where they lie."),
    key!("layout.best_effort_slice", [host.layout.best_effort_slice]: String = Some("\"besteffort.slice\""), None,
        "systemd preset: units of this slice are best-effort."),
    key!("http.listen", [host.http.listen]: Option<SocketAddr> = Some("\"127.0.0.1:9719\""), None,
        "Where metrics, state and page are served; `none` serves nothing. Port 0 takes a free one and says which."),
    key!("http.metrics_listen", [host.http.metrics_listen]: Option<SocketAddr> = Some("\"none\""), None,
        "A second address that serves `/metrics`, `/live` and `/ready` and nothing else: for a scraper on another machine."),
    key!("http.allowed_hosts", [host.http.allowed_hosts]: Vec<String> = Some("[]"), None,
        "Names by which a browser may ask, beside `localhost` and the address in `http.listen`. Other names are refused, so that no web page can read this node through somebody's browser."),
    key!("offer.file", [host.offer.file]: Option<PathBuf> = Some("\"none\""), None,
        "Replaced as a whole at each decision by what `/v1/offer` answers, and removed at the end. Who reads it takes nothing after its `valid_until_ms`, nor where it is missing. It belongs below `/run`: `/run/gleaner/offer.json`."),
    key!("audit.file", [host.audit.file]: Option<PathBuf> = Some("\"none\""), None,
        "Where decisions are written."),
    key!("audit.max_size", [host.audit.max_size]: Bytes = Some("\"64MiB\""), Some(("64KiB", "1TiB")),
        "A file that has grown to this is put aside and a new one begun."),
    key!("audit.keep", [host.audit.keep]: u32 = Some("3"), Some(("0", "1000")),
        "Files put aside that are kept. The disk holds at most `max_size` times one more than this."),
    key!("state.file", [host.state.file]: Option<PathBuf> = Some("\"none\""), None,
        "Where it is kept; `none` makes every start a cold one. It is used again only on the same node and under the same settings of the predictor."),
    key!("state.every", [host.state.every]: Span = Some("\"5min\""), Some(("10s", "1d")),
        "Time between two writings; it is written at the end too."),
    key!("state.max_age", [host.state.max_age]: Span = Some("\"1h\""), Some(("1s", "7d")),
        "Older than this it is not used: what the node does now was not seen."),
    key!("log.level", [host.log.level]: LogLevel = Some("\"info\""), None,
        "`info` logs changes of state, not every tick."),
    key!("log.format", [host.log.format]: LogFormat = Some("\"text\""), None,
        "How a line looks."),
    key!("limits.tasks", [engine.max_tasks]: usize = Some("10000"), Some(("1", "100000")),
        "Most tasks that are looked at. With more nothing is lent, because what is not looked at cannot be protected."),
    key!("limits.descriptors", [host.limits.descriptors]: usize = Some("8192"), Some(("16", "1000000")),
        "Most file descriptors kept open for reading, and never more than half of what the process may open. Beyond it files are opened at each reading: slower, never wrong. One costs the kernel about 6 KiB."),
    key!("limits.threads", [host.limits.threads]: usize = Some("512"), Some(("0", "100000")),
        "Most threads of all guaranteed tasks whose wait for a CPU is read, shared evenly, at least one a task."),
    key!("limits.threads_per_task", [host.limits.threads_per_task]: usize = Some("32"), Some(("0", "10000")),
        "Most threads of one guaranteed task whose wait for a CPU is read."),
];

/// The keys of one `[[layout.task]]`.
pub(super) const TASK_KEYS: &[Key<TaskRule>] = &[
    key!("pattern", [pattern]: String = None, None,
        "Glob over the cgroup's path below its hierarchy's root: `*` and `?` stay within one name, `**` spans any depth."),
    key!("class", [class]: Class = None, None,
        "`guaranteed` was promised its allocation and is never touched; `best_effort` runs on what is lent; `system` is all else and never touched."),
    key!("priority", [priority]: i32 = Some("0"), None,
        "Higher is more important; best-effort tasks of the lowest priority go first."),
    key!("tenant", [tenant]: Option<String> = Some("\"none\""), None,
        "Owner; one owner is not hit twice while another could be."),
    key!("cpu", [cpu]: Option<MilliCpus> = Some("\"none\""), None,
        "CPU it was promised; `none` keeps what the cgroup itself says."),
    key!("memory", [memory]: Option<Bytes> = Some("\"none\""), None,
        "Memory it was promised; `none` keeps what the cgroup itself says."),
];
