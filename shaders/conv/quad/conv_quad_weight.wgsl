// Gradient of the weight of a 2-D convolution of stride 1, for CPU drivers with subgroups of four lanes: the
// counterpart of conv_quad.wgsl, which explains this design. The same sums as ../conv_tile_weight.wgsl in the same
// order.
//
//   dw[b, l, u, v] = sum over n, i, j of y[n, b, i, j] * x[n, l, i - pad + u, j - pad + v]
//
// With x the convolution's input and y the gradient of its output, b counts output and l input channels. The host
// exchanges the two (and reverses the taps) if there are more output than input channels, because each lane has one l.
//
// Layout: x (N, L, H, W), y (N, B, OH, OW), parts (SPLITS, …) where each split is one whole gradient with the strides
// part_b, part_l and part_tap; ../reduce_split_k.wgsl adds up the splits in a fixed order. Parameters and bindings are
// in ../patch_weight_params.wgsl, which is appended, as is quad_turn.wgsl.
//
// Tiling: a workgroup is one subgroup, lane = channel l. It walks over patches of TILE_H x TILE_W positions: a lane
// loads the window under the patch from its own channel, and the patch of y in channels b of lanes l, l + 4, …, which
// the lanes exchange like the weights in conv_quad.wgsl. All positions of a sum are added in one expression.

enable subgroups;

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let l = group.x * 4u + lane;
  let own_l = min(l, p.l_c - 1u);
  let b = group.y * M;

  var sums: array<f32, SUMS>;
  // In memory, because of the variable index.
  var cells: array<f32, WINDOW>;
  cells[lane] = 0.0;
  var held: array<f32, OWN>;
  held[lane] = 0.0;
  let end = min(group.z * p.share + p.share, p.all_tiles);
  for (var tile = group.z * p.share; tile < end; tile++) {
    let n = tile / p.tiles;
    let in_picture = tile % p.tiles;
    let row = (in_picture / p.tiles_x) * TILE_H;
    let col = (in_picture % p.tiles_x) * TILE_W;
    let plane = i32((n * p.l_all + p.l_first + own_l) * p.in_h * p.in_w);
    var window: array<f32, WINDOW>;
    // unroll
    for (var i = 0u; i < WIN_H; i++) {
      let h = i32(row + i) - p.pad_h;
      let row_inside = (h >= 0) & (h < i32(p.in_h));
      let start = plane + h * i32(p.in_w);
      // unroll
      for (var j = 0u; j < WIN_W; j++) {
        let q = i32(col + j) - p.pad_w;
        let inside = row_inside & (q >= 0) & (q < i32(p.in_w));
        let value = bitcast<u32>(x[select(0, start + q, inside)]);
        window[i * WIN_W + j] = bitcast<f32>(value & select(0u, 0xffffffffu, inside));
      }
    }
    var own: array<f32, OWN>;
    // unroll
    for (var s = 0u; s < SHARES; s++) {
      let channel = min(b + s * 4u + lane, p.b_c - 1u);
      let first = (n * p.b_all + p.b_first + channel) * p.out_h * p.out_w;
      // unroll
      for (var i = 0u; i < TILE_H; i++) {
        // unroll
        for (var j = 0u; j < TILE_W; j++) {
          let inside = (row + i < p.out_h) & (col + j < p.out_w);
          let value = bitcast<u32>(y[select(0u, first + (row + i) * p.out_w + col + j, inside)]);
          own[s * PATCH + i * TILE_W + j] = bitcast<f32>(value & select(0u, 0xffffffffu, inside));
        }
      }
    }
    // unroll
    for (var k = 0u; k < WINDOW; k++) {
      cells[k] = window[k];
    }
    // unroll
    for (var k = 0u; k < OWN; k++) {
      held[k] = own[k];
    }
    // unroll
    for (var s = 0u; s < SHARES; s++) {
      // unroll
      for (var r = 0u; r < TURNS; r++) {
        var values: array<f32, PATCH>;
        // unroll
        for (var k = 0u; k < PATCH; k++) {
          values[k] = turned(held[s * PATCH + k], r);
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
                part += cells[(i + u) * WIN_W + j + v] * values[i * TILE_W + j];
              }
            }
            sums[(s * TURNS + r) * TAPS + u * K_W + v] += part;
          }
        }
      }
    }
  }

  // Turn r of share s is channel s * 4 + (lane ^ r), which is (s * 4 + r) ^ lane.
  for (var t = 0u; t < M; t++) {
    let channel = b + (t ^ lane);
    if ((channel < p.b_c) & (l < p.l_c)) {
      let at = i32(group.z * p.part_size + channel * p.part_b + l * p.part_l) + p.part_first;
      for (var u = 0u; u < TAPS; u++) {
        parts[at + i32(u) * p.part_tap] = sums[t * TAPS + u];
      }
    }
  }
}
