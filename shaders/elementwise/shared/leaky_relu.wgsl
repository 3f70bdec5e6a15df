// Leaky ReLU and its gradient, appended to every shader that ends in one. Slope 0 is the plain ReLU, which gives 0 and
// not 0 * x: that would be NaN for minus infinity, and for an infinite gradient at an inactive unit. NaN stays NaN.

fn leaky_relu(x: f32, slope: f32) -> f32 {
  return select(x, select(slope * x, 0.0, slope == 0.0), x < 0.0);
}

// The gradient of the input, from the result y and its gradient g. At 0, as in PyTorch, slope * g; where y is NaN, g
// with slope 0.
fn leaky_relu_gradient(y: f32, g: f32, slope: f32) -> f32 {
  let on = select(y > 0.0, !(y <= 0.0), slope == 0.0);
  return select(select(slope * g, 0.0, slope == 0.0), g, on);
}
