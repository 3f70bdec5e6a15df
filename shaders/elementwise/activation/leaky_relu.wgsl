// Leaky ReLU: y = x where x > 0, slope * x elsewhere; slope >= 0. With slope 0 it is the plain ReLU.
// The gradient depends on y: for a slope of at least 0, y > 0 exactly where x > 0. y is kept anyway as the next
// operation's input, while x need not be.

fn f(x: f32, slope: f32) -> f32 {
  return leaky_relu(x, slope);
}

fn dx(y: f32, dy: f32, slope: f32) -> f32 {
  return leaky_relu_gradient(y, dy, slope);
}

fn dxx() -> f32 {
  return 0.0;
}
