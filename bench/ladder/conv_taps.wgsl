// A rung of the ladder below conv_tile.wgsl: the same convolution with the same patches, summed tap by tap.
//
// y[n, o, i, j] = bias[o] + sum over c, u, v of w[o, c, u, v] * x[n, c, i - pad + u, j - pad + v] Layout and tiling are
// those of shaders/conv/conv_tile.wgsl, but the loops are ordered differently: each tap is multiplied with the whole
// patch before the next. All TILE_H * TILE_W * M sums of a lane, most of which live in memory, are read and written
// once per tap. conv_tile.wgsl does so once per input channel. The loader unrolls the marked loops. The rung "loops
// left to the driver" strips the marks.

enable subgroups;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = (group.x + group.z * groups.x) * LANES + lane;
  let n = tile / p.tiles;
  let col = (tile % p.tiles_x) * TILE_W;
  let row = ((tile % p.tiles) / p.tiles_x) * TILE_H;
  let out = group.y * M;
  let left = i32(col) - p.pad_w;
  let top = i32(row) - p.pad_h;

  var sums: array<f32, M * TILE_H * TILE_W>;
  var plane = i32((n * p.in_all + p.in_first) * p.in_h * p.in_w);
  var weight = i32(out + lane) * p.w_out + p.w_first;
  for (var c = 0u; c < p.in_c; c++) {
    var window: array<f32, WIN_H * WIN_W>;
    // unroll
    for (var i = 0u; i < WIN_H; i++) {
      // unroll
      for (var j = 0u; j < WIN_W; j++) {
        let h = top + i32(i);
        let q = left + i32(j);
        let inside = (h >= 0) & (h < i32(p.in_h)) & (q >= 0) & (q < i32(p.in_w));
        window[i * WIN_W + j] = select(0.0, x[select(0, plane + h * i32(p.in_w) + q, inside)], inside);
      }
    }
    // unroll
    for (var u = 0u; u < K_H; u++) {
      // unroll
      for (var v = 0u; v < K_W; v++) {
        // Lane l has the weights of output channels l, l + LANES, …
        var own: array<f32, SHARES>;
        // unroll
        for (var s = 0u; s < SHARES; s++) {
          own[s] = w[weight + i32(s * LANES) * p.w_out + i32(u * K_W + v) * p.w_tap];
        }
        // unroll
        for (var o = 0u; o < M; o++) {
          let tap = subgroupBroadcast(own[o / LANES], o % LANES);
          // unroll
          for (var i = 0u; i < TILE_H; i++) {
            // unroll
            for (var j = 0u; j < TILE_W; j++) {
              sums[(o * TILE_H + i) * TILE_W + j] += tap * window[(i + u) * WIN_W + j + v];
            }
          }
        }
      }
    }
    plane += i32(p.in_h * p.in_w);
    weight += p.w_in;
  }

  let channels = select(0u, min(M, p.out_c - out), tile < p.all_tiles);
  let rows = min(TILE_H, p.out_h - min(row, p.out_h));
  let cols = min(TILE_W, p.out_w - min(col, p.out_w));
  for (var o = 0u; o < channels; o++) {
    var start_value = 0.0;
    if (p.has_bias != 0u) {
      start_value = bias[p.first + out + o];
    }
    for (var i = 0u; i < rows; i++) {
      let at = ((n * p.channels + p.first + out + o) * p.out_h + row + i) * p.out_w + col;
      for (var j = 0u; j < cols; j++) {
        var value = start_value + sums[(o * TILE_H + i) * TILE_W + j];
        if (p.accumulate != 0u) {
          value += y[at + j];
        }
        y[at + j] = leaky_relu(value, p.slope);
      }
    }
  }
}
