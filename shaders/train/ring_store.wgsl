// Files one scalar of this step in a ring: ring[(step % length) * width + column] = value[0].
// The host reads the ring now and then, so that no step has to wait for a read-back.
//
// Layout: `ring` holds `length` rows of `width` floats. One invocation.

struct Params {
  length: u32,
  width: u32,
  column: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> value: array<f32>;
@group(0) @binding(3) var<storage, read_write> ring: array<f32>;

@compute @workgroup_size(1)
fn main() {
  ring[(step[0] % p.length) * p.width + p.column] = value[0];
}
