//! How decoded samples lie in memory. In: requests for samples (H, W, C). Out: the same as (C, H, W), as convolutions want
//! them.

use super::decode::Worker;
use super::{Dataset, Request};
use crate::error::{Error, Result};
use crate::kernels::planes::split_channels;
use crate::sample::OWN_SIDE;

/// How samples lie in the caller's buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As in the file.
    Stored,
    /// Channels first (C, H, W), for samples of three axes whose last one holds the channels.
    ChannelsFirst,
}

impl Dataset {
    /// Whether samples are images to the coder, with their channels last.
    pub(super) fn has_channels_last(&self) -> bool {
        self.images.is_some_and(|images| !images.channels_first)
    }

    /// Size of the last of a sample's three axes.
    pub(super) fn last_channels(&self) -> Result<usize> {
        match self.metadata.sample.shape[..] {
            [_, _, channels] if channels != OWN_SIDE => Ok(channels as usize),
            _ => {
                Err(Error::Argument("the samples have no last axis of channels to bring forward".to_owned()))
            }
        }
    }

    /// Decode a request whose block cannot bring channels forward itself.
    pub(super) fn decode_and_split(&self, request: &mut Request<'_>, worker: &mut Worker) -> Result<()> {
        let channels = self.last_channels()?;
        let mut pixels = std::mem::take(&mut worker.pixels);
        pixels.resize(request.out.len(), 0);
        let mut stored = Request { index: request.index, window: request.window, out: &mut pixels };
        let decoded = self.decode_request(&mut stored, Order::Stored, worker);
        if decoded.is_ok() {
            split_channels(&pixels, channels, self.metadata.sample.dtype.size(), request.out);
        }
        worker.pixels = pixels;
        decoded
    }
}
