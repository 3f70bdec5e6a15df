// Random numbers that depend only on a counter and a key: Philox4x32-10, appended to the shaders that use it.
// Source: Salmon, Moraes, Dror & Shaw 2011, "Parallel Random Numbers: As Easy as 1, 2, 3"; the multipliers and key
// increments are the paper's.

// The high word of a 32 x 32 bit product, which WGSL has no built-in for.
fn mul_high(a: u32, b: u32) -> u32 {
  let al = a & 0xffffu;
  let ah = a >> 16u;
  let bl = b & 0xffffu;
  let bh = b >> 16u;
  let cross = al * bh;
  let middle = ah * bl + (cross & 0xffffu) + ((al * bl) >> 16u);
  return ah * bh + (cross >> 16u) + (middle >> 16u);
}

fn philox(counter: vec4u, seed: vec2u) -> vec4u {
  var c = counter;
  var k = seed;
  for (var round = 0u; round < 10u; round++) {
    let a = c.x * 0xd2511f53u;
    let ah = mul_high(c.x, 0xd2511f53u);
    let b = c.z * 0xcd9e8d57u;
    let bh = mul_high(c.z, 0xcd9e8d57u);
    c = vec4u(bh ^ c.y ^ k.x, b, ah ^ c.w ^ k.y, a);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}
