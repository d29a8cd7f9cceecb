// SPDX-License-Identifier: Apache-2.0
//! Where CPU and memory are found in samples and usages.

use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::{Class, Sample};
use gleaner_estimator::units::{Amount, Bytes, MilliCpus};
use gleaner_estimator::usage::Usage;

/// How one resource is found in samples and usages.
pub(crate) trait View<Q> {
    fn resource(&self) -> Resource;
    fn capacity(&self, sample: &Sample) -> Q;
    fn allocation(&self, sample: &Sample, task: usize) -> Option<Q>;
    /// The latest known use of a task, base units.
    fn latest(&self, usage: &Usage, task: usize) -> Option<f64>;
    /// Use of a class now.
    fn of_class(&self, sample: &Sample, usage: &Usage, class: Class) -> Option<Q>;
}

/// CPU.
pub(crate) struct Cpu;

impl View<MilliCpus> for Cpu {
    fn resource(&self) -> Resource {
        Resource::Cpu
    }
    fn capacity(&self, sample: &Sample) -> MilliCpus {
        sample.node.capacity_cpu
    }
    fn allocation(&self, sample: &Sample, task: usize) -> Option<MilliCpus> {
        sample.tasks[task].task.allocation.cpu
    }
    fn latest(&self, usage: &Usage, task: usize) -> Option<f64> {
        usage.tasks[task].cpu_latest
    }
    fn of_class(&self, sample: &Sample, usage: &Usage, class: Class) -> Option<MilliCpus> {
        usage.cpu_of(sample, class).map(MilliCpus::from_base)
    }
}

/// Memory.
pub(crate) struct Memory;

impl View<Bytes> for Memory {
    fn resource(&self) -> Resource {
        Resource::Memory
    }
    fn capacity(&self, sample: &Sample) -> Bytes {
        sample.node.capacity_memory
    }
    fn allocation(&self, sample: &Sample, task: usize) -> Option<Bytes> {
        sample.tasks[task].task.allocation.memory
    }
    fn latest(&self, usage: &Usage, task: usize) -> Option<f64> {
        usage.tasks[task].working_set_latest.map(Amount::to_base)
    }
    fn of_class(&self, sample: &Sample, usage: &Usage, class: Class) -> Option<Bytes> {
        usage.memory_of(sample, class)
    }
}
