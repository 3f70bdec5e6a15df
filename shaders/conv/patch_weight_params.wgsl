// Parameters and bindings of the weight's gradient for drivers that run on a CPU.
// Appended to conv_tile_weight.wgsl and winograd/conv_winograd_weight.wgsl.

struct Params {
  // Channels of this dispatch, of the tensor, and the first one: a large dw is computed in slices.
  l_c: u32,
  l_all: u32,
  l_first: u32,
  in_h: u32,
  in_w: u32,
  b_c: u32,
  b_all: u32,
  b_first: u32,
  out_h: u32,
  out_w: u32,
  pad_h: i32,
  pad_w: i32,
  // Patches in a row, in a picture, and in the batch.
  tiles_x: u32,
  tiles: u32,
  all_tiles: u32,
  // Patches that one workgroup walks over.
  share: u32,
  part_size: u32,
  part_b: u32,
  part_l: u32,
  part_tap: i32,
  part_first: i32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> parts: array<f32>;
