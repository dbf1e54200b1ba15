//! The only door to threads. In: a number of threads and independent jobs. Out: their results, in job order.
//!
//! A rayon pool does not survive `fork`: the child sees a pool whose threads are gone and waits for ever.
//! So pools are kept per process id; a child that finds its parent's pool leaks it (dropping would join dead
//! threads) and builds its own. No lock is held, so a fork at any moment is safe.

use std::process;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::thread::JoinHandle;

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};

/// Upper limit of `num_threads`.
pub const MAX_THREADS: usize = 256;

struct OwnedPool {
    pid: u32,
    pool: ThreadPool,
}

static POOLS: [AtomicPtr<OwnedPool>; MAX_THREADS + 1] =
    [const { AtomicPtr::new(ptr::null_mut()) }; MAX_THREADS + 1];

/// `requested`, where 0 stands for all cores of the machine.
pub fn thread_count(requested: usize) -> usize {
    let n = if requested == 0 {
        std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
    } else {
        requested
    };
    n.min(MAX_THREADS)
}

fn pool(threads: usize) -> Result<&'static ThreadPool> {
    let slot = &POOLS[threads];
    let pid = process::id();
    let current = slot.load(Ordering::Acquire);
    // SAFETY: a slot is null or holds a pointer from `Box::into_raw` below that is never freed.
    if let Some(owned) = unsafe { current.as_ref() }
        && owned.pid == pid
    {
        return Ok(&owned.pool);
    }
    let built = ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|i| format!("dreamlearning-{i}"))
        .build()
        .map_err(|e| Error::Argument(format!("could not start {threads} threads: {e}")))?;
    let fresh = Box::into_raw(Box::new(OwnedPool { pid, pool: built }));
    match slot.compare_exchange(current, fresh, Ordering::AcqRel, Ordering::Acquire) {
        // SAFETY: `fresh` is valid and now shared for the life of the process.
        Ok(_) => Ok(unsafe { &(*fresh).pool }),
        Err(winner) => {
            // SAFETY: nobody else has seen `fresh`; its threads belong to this process and can be joined.
            drop(unsafe { Box::from_raw(fresh) });
            // SAFETY: another thread of this process has just stored `winner`; it is never freed.
            Ok(unsafe { &(*winner).pool })
        }
    }
}

/// Start a thread of its own, for what outlives a call.
///
/// # Errors
/// [`Error::Argument`] where the system gives none.
pub fn spawn(name: String, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let started = std::thread::Builder::new().name(name).spawn(work);
    started.map_err(|e| Error::Argument(format!("could not start a thread: {e}")))
}

/// Run `job(0..count)` on `threads` threads, a bounded number at a time, and hand the results to `consume` in
/// job order on the calling thread. What `consume` sees does not depend on the thread count.
///
/// # Errors
/// The first error in job order, from `job` or `consume`.
pub fn map_in_order<T: Send>(
    threads: usize,
    count: usize,
    job: impl Fn(usize) -> Result<T> + Sync,
    mut consume: impl FnMut(usize, T) -> Result<()>,
) -> Result<()> {
    if threads <= 1 {
        return (0..count).try_for_each(|i| consume(i, job(i)?));
    }
    let pool = pool(threads)?;
    // Two jobs a thread keep all of them busy; the results in flight bound the memory.
    let wave = 2 * threads;
    let mut start = 0;
    while start < count {
        let end = (start + wave).min(count);
        let results: Vec<Result<T>> = pool.install(|| (start..end).into_par_iter().map(&job).collect());
        for (i, result) in results.into_iter().enumerate() {
            consume(start + i, result?)?;
        }
        start = end;
    }
    Ok(())
}

/// Cut `out` into pieces of `piece` elements and run `job(number, piece)` on each with `threads` threads.
///
/// # Errors
/// The error of the first failing piece, in piece order.
pub fn for_each_piece<T: Send>(
    threads: usize,
    out: &mut [T],
    piece: usize,
    job: impl Fn(usize, &mut [T]) -> Result<()> + Sync,
) -> Result<()> {
    if threads <= 1 || out.len() <= piece {
        return out.chunks_mut(piece).enumerate().try_for_each(|(i, chunk)| job(i, chunk));
    }
    let results: Vec<Result<()>> = pool(threads)?
        .install(|| out.par_chunks_mut(piece).enumerate().map(|(i, chunk)| job(i, chunk)).collect());
    results.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_arrive_in_job_order() {
        for threads in [1, 2, 5] {
            let mut seen = Vec::new();
            map_in_order(
                threads,
                23,
                |i| Ok(i * i),
                |i, square| {
                    seen.push((i, square));
                    Ok(())
                },
            )
            .unwrap();
            assert_eq!(seen, (0..23).map(|i| (i, i * i)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_error_in_job_order_wins() {
        let fail = |i: usize| if i % 3 == 2 { Err(Error::Argument(format!("job {i}"))) } else { Ok(i) };
        let error = map_in_order(4, 20, fail, |_, _| Ok(())).unwrap_err();
        assert_eq!(error.to_string(), "job 2");
    }
}
