use dreamlearning::predict::planes::Extent;
use dreamlearning::predict::scalar::{Depth, Scalar, put_residual};
use dreamlearning::predict::train::{Tile, train};
use dreamlearning::predict::*;
use dreamlearning::rans::*;
use std::time::Instant;
fn main() {
    let data = std::fs::read("/tmp/proto/cifar.bin").unwrap();
    let n = 50000;
    let args: Vec<usize> = std::env::args().skip(1).map(|a| a.parse().unwrap()).collect();
    let ntrain = args.first().copied().unwrap_or(4000);
    let ntest = args.get(1).copied().unwrap_or(2000);
    let extent = Extent { height: 32, width: 32 };
    let tile = |i: usize| {
        let px = &data[i * 3072..][..3072];
        Tile {
            extent,
            pixels: [1usize, 0, 2]
                .iter()
                .flat_map(|&c| px[c * 1024..][..1024].iter().map(|&v| v as u16))
                .collect(),
        }
    };
    let tiles: Vec<Tile> = (0..ntrain).map(|k| tile((k * n / ntrain) % n)).collect();
    let t = Instant::now();
    let model = train(&tiles, 3, Depth::Eight, 2, &mut || Ok(())).unwrap();
    println!(
        "train {:.2} s, model {} bytes, tables {:?}",
        t.elapsed().as_secs_f64(),
        model.to_bytes().len(),
        model.planes.iter().map(|p| p.tables.len()).collect::<Vec<_>>()
    );
    for p in &model.planes {
        println!("{:?}\n {:?}", p.weights, p.energy);
    }
    let back = Model::from_bytes(&model.to_bytes(), 3).unwrap();
    assert_eq!(back, model);
    let enc: Vec<Vec<EncodeTable>> =
        model.planes.iter().map(|p| p.tables.iter().map(EncodeTable::new).collect()).collect();
    let dec: Vec<Vec<AliasTable>> =
        model.planes.iter().map(|p| p.tables.iter().map(AliasTable::new).collect()).collect();
    let mut scalar = Scalar::new(&model, extent, Depth::Eight);
    let mut streams = vec![];
    let t = Instant::now();
    let mut total = 0;
    for i in 0..ntest {
        let tile = tile(i * n / ntest + 1);
        let mut coded = vec![];
        scalar.walk(|p, y, x, e| {
            let v = tile.pixels[p * 1024 + y * 32 + x] as i32;
            coded.push((p as u8, e.context() as u8, ((v - e.pixel()) as u16)));
            v
        });
        let mut encoder = Encoder::default();
        for &(p, c, r) in coded.iter().rev() {
            let p = p as usize;
            put_residual(
                &mut encoder,
                &enc[p][model.planes[p].map[c as usize] as usize],
                r & 255,
                Depth::Eight,
            );
        }
        let mut s = vec![];
        encoder.finish(&mut s);
        total += s.len();
        streams.push(s);
    }
    println!(
        "encode {:.0} img/s, {:.4} bpsp {:.3} %",
        ntest as f64 / t.elapsed().as_secs_f64(),
        total as f64 * 8.0 / ntest as f64 / 3072.0,
        total as f64 / ntest as f64 / 30.72
    );
    let t = Instant::now();
    for (i, s) in streams.iter().enumerate() {
        assert!(scalar.decode(&model, &dec, s));
        if i % 100 == 0 {
            let tile = tile(i * n / ntest + 1);
            let got: Vec<u16> = (0..3)
                .flat_map(|p| scalar.pixels(p).flatten().map(|&v| v as u16).collect::<Vec<_>>())
                .collect();
            assert_eq!(got, tile.pixels);
        }
    }
    println!("decode {:.0} img/s", ntest as f64 / t.elapsed().as_secs_f64());

    use dreamlearning::kernels::lanes::*;
    let tables = Tables::new(&model, &Alias::of(&dec), extent);
    for path in Path::available() {
        let mut group = Group::new(extent, 3, path);
        let lanes = group.lanes();
        for rep in 0..3 {
            let t = Instant::now();
            let mut out = vec![0u8; 3072 * lanes];
            for (k, chunk) in streams.chunks(lanes).enumerate() {
                let refs: Vec<&[u8]> = chunk.iter().map(|s| &s[..]).collect();
                let ok = group.decode(&tables, &refs);
                assert!(ok.iter().all(|&o| o));
                for p in 0..3 {
                    let c = [1, 0, 2][p];
                    for y in 0..32 {
                        let row = group.memory().row(p, y);
                        for x in 0..32 {
                            for l in 0..lanes {
                                out[l * 3072 + (y * 32 + x) * 3 + c] = row[x * lanes + l] as u8;
                            }
                        }
                    }
                }
                if rep == 0 {
                    for l in 0..chunk.len() {
                        let tile = tile((k * lanes + l) * n / ntest + 1);
                        for p in 0..3 {
                            for y in 0..32 {
                                for x in 0..32 {
                                    assert_eq!(
                                        out[l * 3072 + (y * 32 + x) * 3 + [1, 0, 2][p]] as u16,
                                        tile.pixels[p * 1024 + y * 32 + x]
                                    );
                                }
                            }
                        }
                    }
                }
            }
            println!("{path:?} decode {:.0} img/s", ntest as f64 / t.elapsed().as_secs_f64());
            let t = Instant::now();
            let mut coded = vec![];
            let mut sum = 0u64;
            for _ in 0..ntest / lanes {
                sum += group.predict(&tables, &mut coded)[77] as u64;
            }
            println!("{path:?} predict {:.0} img/s {sum}", ntest as f64 / t.elapsed().as_secs_f64());
        }
    }
}
