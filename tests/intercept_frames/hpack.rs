//! Header compression (RFC 7541), as far as raw peers need it: literals out, everything in.

pub type Field = (String, Vec<u8>);

/// A header block of literals that nobody stores.
pub fn encode(fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name.as_bytes(), value] {
            let length = text.len();
            if length < 127 {
                block.push(u8::try_from(length).unwrap());
            } else {
                block.push(127);
                let mut rest = length - 127;
                while rest >= 128 {
                    block.push(u8::try_from(rest % 128).unwrap() | 128);
                    rest /= 128;
                }
                block.push(u8::try_from(rest).unwrap());
            }
            block.extend_from_slice(text);
        }
    }
    block
}

/// What the other side's encoder has told so far.
#[derive(Default)]
pub struct Decoder {
    table: Vec<Field>,
}

impl Decoder {
    pub fn decode(&mut self, mut block: &[u8]) -> Vec<Field> {
        let mut fields = Vec::new();
        while let Some(&first) = block.first() {
            if first & 0x80 != 0 {
                let index = integer(&mut block, 7);
                fields.push(self.entry(index));
            } else if first & 0x40 != 0 {
                let field = self.literal(&mut block, 6);
                self.table.insert(0, field.clone());
                self.evict(4096);
                fields.push(field);
            } else if first & 0x20 != 0 {
                let size = integer(&mut block, 5);
                self.evict(size);
            } else {
                fields.push(self.literal(&mut block, 4));
            }
        }
        fields
    }

    fn literal(&self, block: &mut &[u8], prefix: u32) -> Field {
        let index = integer(block, prefix);
        let name = match index {
            0 => String::from_utf8(string(block)).unwrap(),
            index => self.entry(index).0,
        };
        (name, string(block))
    }

    fn entry(&self, index: usize) -> Field {
        match STATIC.get(index - 1) {
            Some((name, value)) => ((*name).to_owned(), value.as_bytes().to_vec()),
            None => self.table[index - 1 - STATIC.len()].clone(),
        }
    }

    fn evict(&mut self, limit: usize) {
        let size = |table: &[Field]| -> usize {
            table
                .iter()
                .map(|(name, value)| name.len() + value.len() + 32)
                .sum()
        };
        while size(&self.table) > limit {
            self.table.pop();
        }
    }
}

fn integer(block: &mut &[u8], prefix: u32) -> usize {
    let mask = (1_usize << prefix) - 1;
    let mut value = usize::from(next(block)) & mask;
    if value < mask {
        return value;
    }
    let mut shift = 0;
    loop {
        let byte = next(block);
        value += usize::from(byte & 127) << shift;
        shift += 7;
        if byte & 128 == 0 {
            return value;
        }
    }
}

fn next(block: &mut &[u8]) -> u8 {
    let (first, rest) = block.split_first().unwrap();
    *block = rest;
    *first
}

fn string(block: &mut &[u8]) -> Vec<u8> {
    let is_huffman = block[0] & 0x80 != 0;
    let length = integer(block, 7);
    let (text, rest) = block.split_at(length);
    *block = rest;
    if is_huffman {
        huffman(text)
    } else {
        text.to_vec()
    }
}

/// The code is canonical, so that its lengths tell it whole.
fn huffman(text: &[u8]) -> Vec<u8> {
    let mut order: Vec<(u8, u8)> = (0..=255)
        .map(|symbol| (LENGTHS[usize::from(symbol)], symbol))
        .collect();
    order.sort_unstable();
    let mut codes = std::collections::HashMap::new();
    let (mut code, mut before) = (0_u32, 0);
    for (length, symbol) in order {
        code <<= length - before;
        before = length;
        codes.insert((length, code), symbol);
        code += 1;
    }
    let mut out = Vec::new();
    let (mut code, mut length) = (0_u32, 0);
    for byte in text {
        for bit in (0..8).rev() {
            code = (code << 1) | u32::from((byte >> bit) & 1);
            length += 1;
            if let Some(symbol) = codes.get(&(length, code)) {
                out.push(*symbol);
                (code, length) = (0, 0);
            }
        }
    }
    out
}

/// RFC 7541, appendix B: bits of each symbol.
#[rustfmt::skip]
const LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7,
    7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
    23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];

/// RFC 7541, appendix A.
#[rustfmt::skip]
const STATIC: [(&str, &str); 61] = [
    (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"),
    (":scheme", "http"), (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"),
    (":status", "304"), (":status", "400"), (":status", "404"), (":status", "500"), ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"), ("accept-language", ""), ("accept-ranges", ""), ("accept", ""),
    ("access-control-allow-origin", ""), ("age", ""), ("allow", ""), ("authorization", ""),
    ("cache-control", ""), ("content-disposition", ""), ("content-encoding", ""), ("content-language", ""),
    ("content-length", ""), ("content-location", ""), ("content-range", ""), ("content-type", ""),
    ("cookie", ""), ("date", ""), ("etag", ""), ("expect", ""), ("expires", ""), ("from", ""), ("host", ""),
    ("if-match", ""), ("if-modified-since", ""), ("if-none-match", ""), ("if-range", ""),
    ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""), ("location", ""), ("max-forwards", ""),
    ("proxy-authenticate", ""), ("proxy-authorization", ""), ("range", ""), ("referer", ""), ("refresh", ""),
    ("retry-after", ""), ("server", ""), ("set-cookie", ""), ("strict-transport-security", ""),
    ("transfer-encoding", ""), ("user-agent", ""), ("vary", ""), ("via", ""), ("www-authenticate", ""),
];
