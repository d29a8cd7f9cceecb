// SPDX-License-Identifier: Apache-2.0
//! Pictures compared as a person would: by the colours of small tiles, so that how the edge of a letter is drawn
//! does not matter and a missing line does.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ImageError, ImageResult, RgbImage, imageops};
use std::path::Path;

/// Pictures are kept at one half of their size: what is told apart there is what is told apart on a screen.
const REDUCED: u32 = 2;
/// Pixels of a kept picture along a tile's edge.
const TILE: u32 = 4;
/// A channel of a tile's mean colour may differ by so much, of 255.
const TOLERANCE: u8 = 28;
/// So many tiles may differ by more: a letter or two, but no word, no line of a chart and no edge of a box.
const TILES_MOST: usize = 6;
/// Colours are kept in steps of so much: fewer bytes, and no tile's mean moves by more than half of it. It divides 255.
const STEP: u8 = 17;

/// A picture as it is kept: smaller and of fewer colours.
///
/// # Errors
/// There is no picture at this path.
pub fn kept(path: &Path) -> ImageResult<RgbImage> {
    let whole = image::open(path)?.to_rgb8();
    let (width, height) = (whole.width() / REDUCED, whole.height() / REDUCED);
    let mut small = imageops::thumbnail(&whole, width, height);
    for channel in small.iter_mut() {
        *channel = channel.saturating_add(STEP / 2) / STEP * STEP;
    }
    Ok(small)
}

/// Writes a picture in as few bytes as PNG allows.
///
/// # Errors
/// The file cannot be written.
pub fn save(picture: &RgbImage, path: &Path) -> ImageResult<()> {
    let file = std::fs::File::create(path).map_err(ImageError::IoError)?;
    let encoder = PngEncoder::new_with_quality(file, CompressionType::Best, FilterType::Adaptive);
    picture.write_with_encoder(encoder)
}

/// How one picture differs from another to the eye; `None` where it does not.
#[must_use]
pub fn difference(golden: &RgbImage, seen: &RgbImage) -> Option<String> {
    if golden.dimensions() != seen.dimensions() {
        return Some(format!(
            "{:?} instead of {:?} pixels",
            seen.dimensions(),
            golden.dimensions()
        ));
    }
    let tiles = |whole: &RgbImage| {
        imageops::thumbnail(whole, whole.width().div_ceil(TILE), whole.height().div_ceil(TILE))
    };
    let [golden, seen] = [golden, seen].map(tiles);
    let differ = |(old, new): (&image::Rgb<u8>, &image::Rgb<u8>)| {
        old.0.iter().zip(new.0).any(|(old, new)| old.abs_diff(new) > TOLERANCE)
    };
    let all = golden.width() as usize * golden.height() as usize;
    let differing: Vec<_> = golden
        .enumerate_pixels()
        .zip(seen.pixels())
        .filter(|((_, _, old), new)| differ((old, new)))
        .map(|((x, y, _), _)| (x * TILE, y * TILE))
        .collect();
    (differing.len() > TILES_MOST).then(|| {
        let first = &differing[..differing.len().min(5)];
        format!("{} of {all} tiles differ, the first at {first:?}", differing.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    /// Grey lines on white, as text is to a picture.
    fn text(shift: u8) -> RgbImage {
        RgbImage::from_fn(400, 400, |x, y| match (x % 3, y % 12) {
            (0, 0..6) => Rgb([60 + shift; 3]),
            (1, 0..6) => Rgb([200 - shift; 3]),
            _ => Rgb([255; 3]),
        })
    }

    #[test]
    fn noise_is_nothing_and_a_line_or_a_colour_is_something() {
        assert_eq!(difference(&text(0), &text(12)), None);
        let mut lined = text(0);
        (0..400).for_each(|x| lined.put_pixel(x, 200, Rgb([0, 114, 178])));
        assert!(difference(&text(0), &lined).is_some());
        let mut coloured = text(0);
        for (x, y) in (0..400).flat_map(|y| (0..4).map(move |x| (x, y))) {
            coloured.put_pixel(x, y, Rgb([0, 112, 79]));
        }
        assert!(difference(&text(0), &coloured).is_some());
        assert!(difference(&text(0), &RgbImage::new(400, 401)).is_some());
    }
}
