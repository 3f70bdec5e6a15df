// Winograd along the rows only, F(R, 3) three times: the transforms of winograd_4.wgsl are applied to each row, and the
// three rows of a filter are summed as usual, in one expression. F(4, 3) saves half the multiplications like this
// instead of three quarters, but needs fewer sums (T per output row) and a third of the transforms, and amplifies
// rounding errors once instead of twice. Appended to conv_winograd.wgsl and conv_winograd_weight.wgsl;
// winograd_planes.wgsl is the alternative.

fn transform_window(d: array<f32, T * T>) -> array<f32, T * T> {
  var result: array<f32, T * T>;
  // unroll
  for (var i = 0u; i < T; i++) {
    var line: array<f32, T>;
    // unroll
    for (var j = 0u; j < T; j++) {
      line[j] = d[i * T + j];
    }
    let values = input_points(line);
    // unroll
    for (var j = 0u; j < T; j++) {
      result[i * T + j] = values[j];
    }
  }
  return result;
}

fn transform_filter(g: array<f32, K * K>) -> array<f32, K * T> {
  var result: array<f32, K * T>;
  // unroll
  for (var i = 0u; i < K; i++) {
    var line: array<f32, K>;
    // unroll
    for (var j = 0u; j < K; j++) {
      line[j] = g[i * K + j];
    }
    let values = filter_points(line);
    // unroll
    for (var j = 0u; j < T; j++) {
      result[i * T + j] = values[j];
    }
  }
  return result;
}

fn transform_outputs(m: array<f32, R * T>) -> array<f32, R * R> {
  var result: array<f32, R * R>;
  // unroll
  for (var i = 0u; i < R; i++) {
    var line: array<f32, T>;
    // unroll
    for (var j = 0u; j < T; j++) {
      line[j] = m[i * T + j] * SCALE[j];
    }
    let values = outputs(line);
    // unroll
    for (var j = 0u; j < R; j++) {
      result[i * R + j] = values[j];
    }
  }
  return result;
}

// For the gradient of the weight: transforms the gradient of a tile of outputs, and nine sums back.
fn transform_gradient(y: array<f32, R * R>) -> array<f32, R * T> {
  var result: array<f32, R * T>;
  // unroll
  for (var i = 0u; i < R; i++) {
    var line: array<f32, R>;
    // unroll
    for (var j = 0u; j < R; j++) {
      line[j] = y[i * R + j];
    }
    let values = output_points(line);
    // unroll
    for (var j = 0u; j < T; j++) {
      result[i * T + j] = values[j];
    }
  }
  return result;
}

fn transform_taps(m: array<f32, K * T>) -> array<f32, K * K> {
  var result: array<f32, K * K>;
  // unroll
  for (var i = 0u; i < K; i++) {
    var line: array<f32, T>;
    // unroll
    for (var j = 0u; j < T; j++) {
      line[j] = m[i * T + j] * SCALE[j];
    }
    let values = filter_gradient(line);
    // unroll
    for (var j = 0u; j < K; j++) {
      result[i * K + j] = values[j];
    }
  }
  return result;
}
