// Parameters and bindings of the convolutions of stride 1 for drivers that run on a CPU, forward and gradient of the
// input. Appended to conv_tile.wgsl and winograd/conv_winograd.wgsl.

struct Params {
  // Input channels of this dispatch, of x, and the first one: large weights are processed in slices.
  in_c: u32,
  in_all: u32,
  in_first: u32,
  in_h: u32,
  in_w: u32,
  out_c: u32,
  out_h: u32,
  out_w: u32,
  pad_h: i32,
  pad_w: i32,
  // Strides of w: from one output channel to the next, one input channel, one tap; and where tap 0 is.
  w_out: i32,
  w_in: i32,
  w_tap: i32,
  w_first: i32,
  // Patches in a row, in a picture, and in the batch. A patch is the output positions that one lane owns.
  tiles_x: u32,
  tiles: u32,
  all_tiles: u32,
  // Channels of y, and the first of this dispatch's out_c.
  channels: u32,
  first: u32,
  has_bias: u32,
  // 1: add to y instead of overwriting it.
  accumulate: u32,
  // Slope of a final leaky ReLU; 1 for none.
  slope: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
