// Winograd in two dimensions, F(R x R, 3 x 3): the transforms of winograd_4.wgsl or winograd_2.wgsl are applied to the
// columns of a window, a filter or a tile, and then to the rows of the result. Each of the T * T points of a tile has
// its own sum. Appended to winograd_stages.wgsl and conv_winograd.wgsl; the latter can use winograd_rows.wgsl instead.
// CPU drivers do not compute the gradient of the weight like this: it was slower than the direct sum, because it loads
// 2 * R * R values for T * T multiplications.

fn transform_window(d: array<f32, T * T>) -> array<f32, T * T> {
  var result: array<f32, T * T>;
  // unroll
  for (var j = 0u; j < T; j++) {
    var column: array<f32, T>;
    // unroll
    for (var i = 0u; i < T; i++) {
      column[i] = d[i * T + j];
    }
    let points = input_points(column);
    // unroll
    for (var i = 0u; i < T; i++) {
      result[i * T + j] = points[i];
    }
  }
  // unroll
  for (var i = 0u; i < T; i++) {
    var line: array<f32, T>;
    // unroll
    for (var j = 0u; j < T; j++) {
      line[j] = result[i * T + j];
    }
    let points = input_points(line);
    // unroll
    for (var j = 0u; j < T; j++) {
      result[i * T + j] = points[j];
    }
  }
  return result;
}

fn transform_filter(g: array<f32, K * K>) -> array<f32, T * T> {
  var result: array<f32, T * T>;
  // unroll
  for (var v = 0u; v < K; v++) {
    let points = filter_points(array<f32, 3>(g[v], g[3u + v], g[6u + v]));
    // unroll
    for (var i = 0u; i < T; i++) {
      result[i * T + v] = points[i];
    }
  }
  // unroll
  for (var i = 0u; i < T; i++) {
    let points = filter_points(array<f32, 3>(result[i * T], result[i * T + 1u], result[i * T + 2u]));
    // unroll
    for (var j = 0u; j < T; j++) {
      result[i * T + j] = points[j];
    }
  }
  return result;
}

fn transform_outputs(m: array<f32, T * T>) -> array<f32, R * R> {
  var half: array<f32, R * T>;
  // unroll
  for (var j = 0u; j < T; j++) {
    var column: array<f32, T>;
    // unroll
    for (var i = 0u; i < T; i++) {
      column[i] = m[i * T + j] * (SCALE[i] * SCALE[j]);
    }
    let values = outputs(column);
    // unroll
    for (var i = 0u; i < R; i++) {
      half[i * T + j] = values[i];
    }
  }
  var result: array<f32, R * R>;
  // unroll
  for (var i = 0u; i < R; i++) {
    var line: array<f32, T>;
    // unroll
    for (var j = 0u; j < T; j++) {
      line[j] = half[i * T + j];
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
fn transform_gradient(y: array<f32, R * R>) -> array<f32, T * T> {
  var half: array<f32, T * R>;
  // unroll
  for (var j = 0u; j < R; j++) {
    var column: array<f32, R>;
    // unroll
    for (var i = 0u; i < R; i++) {
      column[i] = y[i * R + j];
    }
    let points = output_points(column);
    // unroll
    for (var i = 0u; i < T; i++) {
      half[i * R + j] = points[i];
    }
  }
  var result: array<f32, T * T>;
  // unroll
  for (var i = 0u; i < T; i++) {
    var line: array<f32, R>;
    // unroll
    for (var j = 0u; j < R; j++) {
      line[j] = half[i * R + j];
    }
    let points = output_points(line);
    // unroll
    for (var j = 0u; j < T; j++) {
      result[i * T + j] = points[j];
    }
  }
  return result;
}

fn transform_taps(m: array<f32, T * T>) -> array<f32, K * K> {
  var half: array<f32, K * T>;
  // unroll
  for (var j = 0u; j < T; j++) {
    var column: array<f32, T>;
    // unroll
    for (var i = 0u; i < T; i++) {
      column[i] = m[i * T + j] * (SCALE[i] * SCALE[j]);
    }
    let taps = filter_gradient(column);
    // unroll
    for (var i = 0u; i < K; i++) {
      half[i * T + j] = taps[i];
    }
  }
  var result: array<f32, K * K>;
  // unroll
  for (var i = 0u; i < K; i++) {
    var line: array<f32, T>;
    // unroll
    for (var j = 0u; j < T; j++) {
      line[j] = half[i * T + j];
    }
    let taps = filter_gradient(line);
    // unroll
    for (var j = 0u; j < K; j++) {
      result[i * K + j] = taps[j];
    }
  }
  return result;
}
