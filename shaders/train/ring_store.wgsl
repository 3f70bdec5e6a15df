// Stores the losses of a step: ring[step % length, k] = value_k, for each k whose bit is set in `stored`. Uses one
// dispatch for all, because a dispatch costs more than the copying.
//
// Layout: ring is (length, width), step one word, each value one float. One invocation.

struct Params {
  length: u32,
  width: u32,
  stored: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> value_0: array<f32>;
@group(0) @binding(3) var<storage, read> value_1: array<f32>;
@group(0) @binding(4) var<storage, read> value_2: array<f32>;
@group(0) @binding(5) var<storage, read> value_3: array<f32>;
@group(0) @binding(6) var<storage, read> value_4: array<f32>;
@group(0) @binding(7) var<storage, read_write> ring: array<f32>;

fn store(k: u32, value: f32) {
  if ((p.stored & (1u << k)) != 0u) {
    ring[(step[0] % p.length) * p.width + k] = value;
  }
}

@compute @workgroup_size(1)
fn main() {
  store(0u, value_0[0]);
  store(1u, value_1[0]);
  store(2u, value_2[0]);
  store(3u, value_3[0]);
  store(4u, value_4[0]);
}
