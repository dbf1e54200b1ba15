//! How decoded samples lie in memory. In: requests for samples (H, W, C). Out: the same as (C, H, W), as convolutions want
//! them.

use super::decode::{BATCH_BYTES, Worker};
use super::{Dataset, Request};
use crate::error::{Error, Result};
use crate::kernels::planes::split_channels;
use crate::sample::OWN_SIDE;

/// Bytes of samples that are decoded together before their channels are taken apart, which should find them in a near cache;
/// and the least number of samples, so that all lanes have work.
const PLANES_BYTES: usize = 256 << 10;
const PLANES_SAMPLES: usize = 64;

/// How samples lie in the caller's buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As in the file.
    Stored,
    /// Channels first (C, H, W), for samples of three axes whose last one holds the channels.
    ChannelsFirst,
}

impl Dataset {
    /// Size of the last of a sample's three axes.
    pub(super) fn last_channels(&self) -> Result<usize> {
        match self.metadata.sample.shape[..] {
            [_, _, channels] if channels != OWN_SIDE => Ok(channels as usize),
            _ => {
                Err(Error::Argument("the samples have no last axis of channels to bring forward".to_owned()))
            }
        }
    }

    /// Decode all `requests`, a few at a time, and take their `channels` apart while they are in the cache.
    pub(super) fn decode_planes(
        &self,
        requests: &mut [Request<'_>],
        channels: usize,
        worker: &mut Worker,
    ) -> Result<()> {
        let element_bytes = self.metadata.sample.dtype.size();
        let mut rest = requests;
        while !rest.is_empty() {
            let (mut count, mut bytes) = (0, 0);
            for request in rest.iter() {
                let most = if count < PLANES_SAMPLES { BATCH_BYTES } else { PLANES_BYTES };
                if bytes > 0 && bytes + request.out.len() > most {
                    break;
                }
                bytes += request.out.len();
                count += 1;
            }
            let (now, later) = rest.split_at_mut(count);
            rest = later;
            let mut pixels = std::mem::take(&mut worker.pixels);
            pixels.resize(bytes, 0);
            let mut free = &mut pixels[..];
            let mut whole = Vec::with_capacity(count);
            for request in now.iter() {
                let (out, later) = free.split_at_mut(request.out.len());
                free = later;
                whole.push(Request { index: request.index, window: request.window, out });
            }
            self.decode_batch(&mut whole, worker)?;
            for (request, whole) in now.iter_mut().zip(&whole) {
                split_channels(whole.out, channels, element_bytes, request.out);
            }
            worker.pixels = pixels;
        }
        Ok(())
    }
}
