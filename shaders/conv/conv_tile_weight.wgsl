// Gradient of the weight of a 2-D convolution of stride 1, for drivers that run on a CPU: the sibling of
// conv_tile.wgsl, which explains this design.
//
//   dw[b, l, u, v] = sum over n, i, j of y[n, b, i, j] * x[n, l, i - pad + u, j - pad + v]
//
// With x the convolution's input and y the gradient of its output, b counts output and l input channels. The host
// exchanges the two (and reverses the taps) if there are more output than input channels, because each lane has one l.
//
// Layout: x (N, L, H, W), y (N, B, OH, OW), parts (SPLITS, …) where each split is one whole gradient with the strides
// part_b, part_l and part_tap; reduce_split_k.wgsl adds up the splits in a fixed order. Parameters and bindings are in
// patch_weight_params.wgsl, which is appended.
//
// Tiling: a workgroup is one subgroup. Lane = channel l; together the lanes hold the TAPS sums of LANES channels for M
// channels b. The subgroup walks over patches of TILE_H x TILE_W positions: a lane loads the window under the patch
// from its own channel, and the M channels' values of each position, one per lane, are broadcast to all lanes. All
// positions of a sum are added in one expression.

enable subgroups;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let l = group.x * LANES + lane;
  let own_l = min(l, p.l_c - 1u);
  let b = group.y * M;

  var sums: array<f32, M * TAPS>;
  let end = min(group.z * p.share + p.share, p.all_tiles);
  for (var tile = group.z * p.share; tile < end; tile++) {
    let n = tile / p.tiles;
    let in_picture = tile % p.tiles;
    let row = (in_picture / p.tiles_x) * TILE_H;
    let col = (in_picture % p.tiles_x) * TILE_W;
    let plane = i32((n * p.l_all + p.l_first + own_l) * p.in_h * p.in_w);
    var window: array<f32, WIN_H * WIN_W>;
    // unroll
    for (var i = 0u; i < WIN_H; i++) {
      let h = i32(row + i) - p.pad_h;
      let row_inside = (h >= 0) & (h < i32(p.in_h));
      let start = plane + h * i32(p.in_w);
      // unroll
      for (var j = 0u; j < WIN_W; j++) {
        let q = i32(col + j) - p.pad_w;
        let inside = row_inside & (q >= 0) & (q < i32(p.in_w));
        window[i * WIN_W + j] = select(0.0, x[select(0, start + q, inside)], inside);
      }
    }
    var own: array<f32, SHARES * PATCH>;
    // unroll
    for (var s = 0u; s < SHARES; s++) {
      let channel = min(b + s * LANES + lane, p.b_c - 1u);
      let first = (n * p.b_all + p.b_first + channel) * p.out_h * p.out_w;
      // unroll
      for (var i = 0u; i < TILE_H; i++) {
        // unroll
        for (var j = 0u; j < TILE_W; j++) {
          let inside = (row + i < p.out_h) & (col + j < p.out_w);
          let at = select(0u, first + (row + i) * p.out_w + col + j, inside);
          own[s * PATCH + i * TILE_W + j] = select(0.0, y[at], inside);
        }
      }
    }
    // unroll
    for (var o = 0u; o < M; o++) {
      var values: array<f32, PATCH>;
      // unroll
      for (var k = 0u; k < PATCH; k++) {
        values[k] = subgroupBroadcast(own[(o / LANES) * PATCH + k], o % LANES);
      }
      // unroll
      for (var u = 0u; u < K_H; u++) {
        // unroll
        for (var v = 0u; v < K_W; v++) {
          var part = 0.0;
          // unroll
          for (var i = 0u; i < TILE_H; i++) {
            // unroll
            for (var j = 0u; j < TILE_W; j++) {
              part += values[i * TILE_W + j] * window[(i + u) * WIN_W + j + v];
            }
          }
          sums[o * TAPS + u * K_W + v] += part;
        }
      }
    }
  }

  let channels = select(0u, min(M, p.b_c - b), l < p.l_c);
  for (var o = 0u; o < channels; o++) {
    let at = i32(group.z * p.part_size + (b + o) * p.part_b + l * p.part_l) + p.part_first;
    for (var u = 0u; u < TAPS; u++) {
      parts[at + i32(u) * p.part_tap] = sums[o * TAPS + u];
    }
  }
}
