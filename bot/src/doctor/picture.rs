//! Two tiny pictures for trying the methods that carry one.

use bytes::Bytes;

/// A grey PNG of 64 x 48 pixels; each shade is another file.
pub(super) fn picture(shade: u8) -> Bytes {
    const WIDTH: u32 = 64;
    const HEIGHT: u32 = 48;
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut head = Vec::from(WIDTH.to_be_bytes());
    head.extend(HEIGHT.to_be_bytes());
    // 8 bits of grey, no compression tricks, no interlacing.
    head.extend([8, 0, 0, 0, 0]);
    chunk(&mut png, b"IHDR", &head);
    let row = [&[0u8][..], &[shade; WIDTH as usize]].concat();
    chunk(&mut png, b"IDAT", &stored(&row.repeat(HEIGHT as usize)));
    chunk(&mut png, b"IEND", &[]);
    png.into()
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    png.extend((data.len() as u32).to_be_bytes());
    let body = [&kind[..], data].concat();
    png.extend(&body);
    png.extend(crc(&body).to_be_bytes());
}

/// zlib's frame around one block that is not compressed; `data` has less than 64 KB.
fn stored(data: &[u8]) -> Vec<u8> {
    let length = data.len() as u16;
    let mut out = vec![0x78, 0x01, 0x01];
    out.extend(length.to_le_bytes());
    out.extend((!length).to_le_bytes());
    out.extend(data);
    let (a, b) = data.iter().fold((1u32, 0u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65521;
        (a, (b + a) % 65521)
    });
    out.extend(((b << 16) | a).to_be_bytes());
    out
}

fn crc(data: &[u8]) -> u32 {
    !data.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            }
        })
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_decoder_reads_it() {
        let bytes = super::picture(7);
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .expect("a head");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        reader.next_frame(&mut pixels).expect("pixels");
        assert!(pixels.iter().all(|pixel| *pixel == 7) && pixels.len() == 64 * 48);
    }
}
