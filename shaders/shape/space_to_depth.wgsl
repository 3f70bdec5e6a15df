// Space to depth: each block of s_h * s_w pixels becomes one pixel with as many times the channels,
//
//   y[n, (c * s_h + r) * s_w + q, i, j] = x[n, c, i * s_h + r - pad_h, j * s_w + q - pad_w], 0 outside of x
//
// and back: x[n, c, h, w] = y at the position given above, 0 if there is none, plus bias[c] if there is one. This turns
// a convolution of stride s into one of stride 1, with weights rearranged into blocks, too (space_to_depth.ts).
//
// If `batched` is 1, the pixels of a block go to as many pictures instead, (N * s_h * s_w, C, …), in the same order:
// this turns a convolution with taps s pixels apart into one with neighbouring taps (space_to_batch.ts).
//
// Layout: x planes of in_h * in_w, y planes of out_h * out_w. An invocation owns one column of one plane of the result
// and walks down a run of its rows; neighbouring lanes have neighbouring columns. Workgroup (g, r) takes columns
// LANES * g …, LANES * (g + groups.x) …, and rows r * slice …. The entry points `small_…` are for planes of a few pixels,
// such as weights: an invocation owns a whole plane of x, because the divisions would cost more than the copy there.
// Source: Shi et al. 2016, "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel CNN".

struct Params {
  // What invocations own: columns of all planes of the result, or planes of x; and how many rows one takes.
  columns: u32,
  slice: u32,
  channels: u32,
  in_h: u32,
  in_w: u32,
  out_h: u32,
  out_w: u32,
  s_h: u32,
  s_w: u32,
  pad_h: u32,
  pad_w: u32,
  batched: u32,
  has_bias: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn to_depth(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let first = group.y * p.slice;
  let end = min(first + p.slice, p.out_h);
  for (var column = group.x * LANES + t; column < p.columns; column += groups.x * LANES) {
    let plane = column / p.out_w;
    let j = column % p.out_w;
    let n = plane / (p.channels * p.s_h * p.s_w);
    let place = plane % (p.channels * p.s_h * p.s_w);
    let c = select(place / (p.s_h * p.s_w), place % p.channels, p.batched != 0u);
    let within = select(place, place / p.channels, p.batched != 0u);
    let r = within / p.s_w % p.s_h;
    let q = within % p.s_w;
    let from_here = (n * p.channels + c) * p.in_h * p.in_w;
    let col = i32(j * p.s_w + q) - i32(p.pad_w);
    let col_inside = (col >= 0) & (col < i32(p.in_w));
    var row = i32(first * p.s_h + r) - i32(p.pad_h);
    var to_here = (plane * p.out_h + first) * p.out_w + j;
    for (var i = first; i < end; i++) {
      let inside = col_inside & (row >= 0) & (row < i32(p.in_h));
      let at = select(0u, from_here + u32(row) * p.in_w + u32(col), inside);
      y[to_here] = select(0.0, x[at], inside);
      row += i32(p.s_h);
      to_here += p.out_w;
    }
  }
}

@group(0) @binding(3) var<storage, read> depth: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(LANES)
fn to_space(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let first = group.y * p.slice;
  let end = min(first + p.slice, p.in_h);
  for (var column = group.x * LANES + t; column < p.columns; column += groups.x * LANES) {
    let plane = column / p.in_w;
    let col = column % p.in_w;
    let c = plane % p.channels;
    let j = (col + p.pad_w) / p.s_w;
    let q = (col + p.pad_w) % p.s_w;
    var start_value = 0.0;
    if (p.has_bias != 0u) {
      start_value = bias[c];
    }
    // The block's row advances only every s_h rows, so the loop needs no division.
    var i = (first + p.pad_h) / p.s_h;
    var r = (first + p.pad_h) % p.s_h;
    // The plane of a block's first pixel, and the distance in planes to the next pixel's.
    let apart = select(1u, p.channels, p.batched != 0u);
    let first_plane = select(plane * p.s_h * p.s_w, (plane / p.channels) * apart * p.s_h * p.s_w + c, p.batched != 0u);
    let planes_here = first_plane + q * apart;
    for (var row = first; row < end; row++) {
      let inside = (i < p.out_h) & (j < p.out_w);
      let at = select(0u, ((planes_here + r * p.s_w * apart) * p.out_h + i) * p.out_w + j, inside);
      result[(plane * p.in_h + row) * p.in_w + col] = start_value + select(0.0, depth[at], inside);
      r++;
      let over = r >= p.s_h;
      r = select(r, 0u, over);
      i += select(0u, 1u, over);
    }
  }
}

@compute @workgroup_size(LANES)
fn small_to_depth(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var plane = id.x; plane < p.columns; plane += groups.x * LANES) {
    var to_here = plane * p.s_h * p.s_w * p.out_h * p.out_w;
    for (var r = 0u; r < p.s_h; r++) {
      for (var q = 0u; q < p.s_w; q++) {
        for (var i = 0u; i < p.out_h; i++) {
          let row = i32(i * p.s_h + r) - i32(p.pad_h);
          for (var j = 0u; j < p.out_w; j++) {
            let col = i32(j * p.s_w + q) - i32(p.pad_w);
            let inside = (row >= 0) & (row < i32(p.in_h)) & (col >= 0) & (col < i32(p.in_w));
            let at = select(0u, (plane * p.in_h + u32(row)) * p.in_w + u32(col), inside);
            y[to_here] = select(0.0, x[at], inside);
            to_here++;
          }
        }
      }
    }
  }
}

@compute @workgroup_size(LANES)
fn small_to_space(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var plane = id.x; plane < p.columns; plane += groups.x * LANES) {
    var start_value = 0.0;
    if (p.has_bias != 0u) {
      start_value = bias[plane % p.channels];
    }
    var to_here = plane * p.in_h * p.in_w;
    var i = p.pad_h / p.s_h;
    var r = p.pad_h % p.s_h;
    for (var row = 0u; row < p.in_h; row++) {
      var j = p.pad_w / p.s_w;
      var q = p.pad_w % p.s_w;
      for (var col = 0u; col < p.in_w; col++) {
        let inside = (i < p.out_h) & (j < p.out_w);
        let place = (plane * p.s_h + r) * p.s_w + q;
        let at = select(0u, (place * p.out_h + i) * p.out_w + j, inside);
        result[to_here] = start_value + select(0.0, depth[at], inside);
        to_here++;
        q++;
        let over = q >= p.s_w;
        q = select(q, 0u, over);
        j += select(0u, 1u, over);
      }
      r++;
      let over = r >= p.s_h;
      r = select(r, 0u, over);
      i += select(0u, 1u, over);
    }
  }
}
