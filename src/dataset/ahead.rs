//! Batches decoded ahead of who uses them. In: batches of sample numbers, queued one after another. Out: the same batches in
//! the same order, each in a buffer of its own, filled by threads that do nothing else.
//!
//! The threads end with [`Ahead::close`], or when it is dropped. A forked child has none of them and must not wait for any:
//! there, every call is an error and dropping leaves everything as it is.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Dataset, Order, Request};
use crate::error::{Error, Result};
use crate::parallel::spawn;
use crate::sample::Window;

/// A batch to decode.
pub struct Batch<B> {
    /// Numbers of the samples, all of which exist.
    pub indices: Vec<u64>,
    /// The part of each image that is wanted; `None`: all of each.
    pub windows: Option<Vec<Window>>,
    /// Where the samples go, one after another; `None`: a new buffer.
    pub buffer: Option<B>,
}

/// A decoded batch.
pub struct Decoded<B> {
    /// The samples, one after another; `None` where no memory was needed.
    pub buffer: Option<B>,
    /// The places in the batch that could not be read and were skipped, with the reason.
    pub skipped: Vec<(usize, Error)>,
}

/// What becomes of samples that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// The batch is an error.
    Raise,
    /// The batch says which they are; the rest of it is good.
    Skip,
}

/// Decodes batches ahead; `B` is the memory they go to.
pub struct Ahead<B: Send + 'static> {
    shared: Arc<Shared<B>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    pid: u32,
}

struct Shared<B> {
    dataset: Arc<Dataset>,
    order: Order,
    on_error: OnError,
    allocate: Box<dyn Fn(usize) -> B + Send + Sync>,
    state: Mutex<State<B>>,
    /// Something is queued, or it is time to stop.
    work: Condvar,
    /// A batch is done.
    done: Condvar,
}

struct State<B> {
    queue: VecDeque<(u64, Batch<B>)>,
    finished: BTreeMap<u64, Result<Decoded<B>>>,
    submitted: u64,
    taken: u64,
    stop: bool,
}

impl<B: AsMut<[u8]> + Send + 'static> Ahead<B> {
    /// Start `threads` threads, 0 for all cores. `allocate` makes buffers of a size in bytes, on any of them.
    ///
    /// # Errors
    /// [`Error::Argument`] where the system gives no thread.
    pub fn new(
        dataset: Arc<Dataset>,
        threads: usize,
        order: Order,
        on_error: OnError,
        allocate: impl Fn(usize) -> B + Send + Sync + 'static,
    ) -> Result<Self> {
        let state =
            State { queue: VecDeque::new(), finished: BTreeMap::new(), submitted: 0, taken: 0, stop: false };
        let ahead = Self {
            shared: Arc::new(Shared {
                dataset,
                order,
                on_error,
                allocate: Box::new(allocate),
                state: Mutex::new(state),
                work: Condvar::new(),
                done: Condvar::new(),
            }),
            threads: Mutex::default(),
            pid: process::id(),
        };
        for number in 0..crate::parallel::thread_count(threads) {
            let shared = Arc::clone(&ahead.shared);
            let thread = spawn(format!("dreamlearning-ahead-{number}"), move || shared.run())?;
            lock(&ahead.threads).push(thread);
        }
        Ok(ahead)
    }

    /// Queue a batch.
    ///
    /// # Errors
    /// [`Error::Argument`] after [`Ahead::close`] and in a forked child.
    pub fn submit(&self, batch: Batch<B>) -> Result<()> {
        self.check_process()?;
        let mut state = lock(&self.shared.state);
        if state.stop {
            return Err(Error::Argument("the loader has been closed; iterate over it anew".to_owned()));
        }
        let ticket = state.submitted;
        state.submitted += 1;
        state.queue.push_back((ticket, batch));
        drop(state);
        self.shared.work.notify_one();
        Ok(())
    }

    /// Batches queued and not taken yet.
    pub fn pending(&self) -> u64 {
        if self.check_process().is_err() {
            return 0;
        }
        let state = lock(&self.shared.state);
        state.submitted - state.taken
    }

    /// Take the oldest batch that has not been taken, if it is done within `timeout`.
    ///
    /// # Errors
    /// [`Error::Argument`] where nothing is queued, after [`Ahead::close`], and in a forked child. What went wrong with
    /// the batch is in the inner result.
    pub fn take(&self, timeout: Duration) -> Result<Option<Result<Decoded<B>>>> {
        self.check_process()?;
        let mut state = lock(&self.shared.state);
        if state.stop || state.taken == state.submitted {
            return Err(Error::Argument("no batch is queued".to_owned()));
        }
        let ticket = state.taken;
        if !state.finished.contains_key(&ticket) {
            let waiting = |state: &mut State<B>| !state.stop && !state.finished.contains_key(&ticket);
            let waited = self.shared.done.wait_timeout_while(state, timeout, waiting);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let outcome = state.finished.remove(&ticket);
        state.taken += u64::from(outcome.is_some());
        Ok(outcome)
    }
}

impl<B: Send + 'static> Ahead<B> {
    /// End the threads, which finish the batches they are at, and give back all memory. Does nothing in a forked child.
    pub fn close(&self) -> Vec<B> {
        if self.check_process().is_err() {
            return Vec::new();
        }
        let mut state = lock(&self.shared.state);
        state.stop = true;
        let queue = std::mem::take(&mut state.queue);
        drop(state);
        self.shared.work.notify_all();
        self.shared.done.notify_all();
        let threads = std::mem::take(&mut *lock(&self.threads));
        for thread in threads {
            // A panic has been turned into an error by the thread itself.
            let _ = thread.join();
        }
        let finished = std::mem::take(&mut lock(&self.shared.state).finished);
        let queued = queue.into_iter().filter_map(|(_, batch)| batch.buffer);
        let done = finished.into_values().filter_map(|outcome| outcome.ok().and_then(|done| done.buffer));
        queued.chain(done).collect()
    }

    fn check_process(&self) -> Result<()> {
        if self.pid == process::id() {
            return Ok(());
        }
        Err(Error::Argument(
            "this process was forked from the one that loads; iterate over the loader anew here".to_owned(),
        ))
    }
}

impl<B: Send + 'static> Drop for Ahead<B> {
    fn drop(&mut self) {
        if self.check_process().is_err() {
            // Threads of the parent: neither to be joined nor to be let go.
            let threads = self.threads.get_mut().unwrap_or_else(PoisonError::into_inner);
            Box::leak(Box::new(std::mem::take(threads)));
            return;
        }
        drop(self.close());
    }
}

impl<B: AsMut<[u8]> + Send + 'static> Shared<B> {
    fn run(&self) {
        loop {
            let mut state = lock(&self.state);
            while state.queue.is_empty() && !state.stop {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let job = if state.stop { None } else { state.queue.pop_front() };
            drop(state);
            let Some((ticket, batch)) = job else { return };
            // A consumer must not wait for ever for a thread that has died.
            let outcome = catch_unwind(AssertUnwindSafe(|| self.decode(batch))).unwrap_or_else(|_| {
                Err(Error::Argument("decoding failed unexpectedly; please report it".to_owned()))
            });
            lock(&self.state).finished.insert(ticket, outcome);
            self.done.notify_all();
        }
    }

    fn decode(&self, batch: Batch<B>) -> Result<Decoded<B>> {
        let Batch { indices, windows, buffer } = batch;
        let sizes = self.dataset.sizes_of(&indices, windows.as_deref())?;
        let bytes: usize = sizes.iter().sum();
        let mut buffer = buffer.or_else(|| (bytes > 0).then(|| (self.allocate)(bytes)));
        let memory = buffer.as_mut().map_or(&mut [][..], |buffer| buffer.as_mut());
        if memory.len() != bytes {
            let found = memory.len();
            return Err(Error::Argument(format!("a buffer of {found} bytes for a batch of {bytes}")));
        }
        let mut rest = memory;
        let mut requests = Vec::with_capacity(indices.len());
        for (place, (&index, &size)) in indices.iter().zip(&sizes).enumerate() {
            let (out, later) = rest.split_at_mut(size);
            rest = later;
            requests.push(Request { index, window: windows.as_ref().map(|windows| windows[place]), out });
        }
        let mut skipped = Vec::new();
        if let Err(error) = self.dataset.decode_each_as(&mut requests, self.order, 1) {
            if self.on_error == OnError::Raise || !is_damage(&error) {
                return Err(error);
            }
            // A file that has been cut short is no matter of single samples.
            self.dataset.file.check_length()?;
            for (place, request) in requests.iter_mut().enumerate() {
                match self.dataset.decode_each_as(std::slice::from_mut(request), self.order, 1) {
                    Err(error) if is_damage(&error) => skipped.push((place, error)),
                    other => other?,
                }
            }
        }
        Ok(Decoded { buffer, skipped })
    }
}

impl Dataset {
    /// Bytes of each sample, or of a part of each.
    fn sizes_of(&self, indices: &[u64], windows: Option<&[Window]>) -> Result<Vec<usize>> {
        let Some(windows) = windows else {
            return indices.iter().map(|&index| self.bytes_of(index)).collect();
        };
        let size = |(&index, window): (&u64, &Window)| {
            let whole = self.bytes_of(index)?;
            let (height, width) = self.sides(index)?.ok_or_else(|| {
                Error::Argument("the samples are no images; they have no regions".to_owned())
            })?;
            let fits = window.height <= height && window.width <= width && height * width > 0;
            // One that does not fit is refused when it is decoded.
            Ok(if fits { whole / (height * width) * (window.height * window.width) } else { 0 })
        };
        indices.iter().zip(windows).map(size).collect()
    }
}

fn is_damage(error: &Error) -> bool {
    matches!(error, Error::Corrupt { .. } | Error::Io { .. })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
