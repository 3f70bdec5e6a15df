import { describe, expect, it } from 'vitest';
import { hotLoop } from '../../bench/isa/assembly.ts';
import { readSpirv, resizeMatrices } from '../../bench/isa/mesa/spirv.ts';

/**
 * As Mesa prints it: a loop over the depth around one of eight passes, with two multiply-adds in a special instruction.
 */
const ASSEMBLY = `
BB0:
	s_mov_b32 s5, 0                                             ; be850080
	v_fma_f32 v9, v1, v2, v3                                    ; 00000000
BB1:
	s_cmp_ge_u32 s4, s25                                        ; bf091904
	s_cbranch_scc1 BB4                                          ; bfa20001
	v_mul_lo_u32 v1, v2, v3                                     ; d72c0001
	buffer_load_b32 v4, v5, s[4:7], 0 offen                     ; e0500000
BB2:
	ds_load_b128 v[4:7], v8 offset:16                           ; dbfc0010
	v_dual_fmac_f32 v1, v2, v3 :: v_dual_fmac_f32 v4, v5, v6    ; c8000000
	v_fmac_f32_e32 v1, v2, v3                                   ; 56020702
	v_add_nc_u32_e32 v8, 16, v8                                 ; 4a101090
	s_delay_alu instid0(VALU_DEP_1)                             ; bf870001
	s_add_u32 s5, s5, 1                                         ; 80058105
	s_cmp_ge_u32 s5, 8                                          ; bf098805
	s_cbranch_scc0 BB2                                          ; bfa1ff9d
BB3:
	s_barrier                                                   ; bfbd0000
	s_branch BB1                                                ; bfa00001
BB4:
	s_endpgm                                                    ; bfb00000
`;

describe('hotLoop', () => {
  it('counts a pass of the loop around one that runs a constant number of times', () => {
    const { loop, counts } = hotLoop(ASSEMBLY);
    expect(loop).toBe(true);
    expect(counts).toEqual({
      multiplyAdds: 24,
      multiplyAddIssues: 16,
      matrixMultiplies: 0,
      vector: 25,
      integerMultiplies: 1,
      scalar: 17,
      workgroupMemory: 8,
      memory: 1,
      scalarMemory: 0,
      branches: 10,
      barriers: 1,
    });
  });

  it('counts only the inner loop if its number of passes is unknown', () => {
    const { counts } = hotLoop(ASSEMBLY.replace('s_cmp_ge_u32 s5, 8 ', 's_cmp_ge_u32 s5, s7'));
    expect(counts).toMatchObject({ multiplyAdds: 3, multiplyAddIssues: 2, vector: 3, branches: 1 });
  });

  it('counts everything if there is no loop', () => {
    const { loop, counts } = hotLoop('BB0:\n\tv_fma_f32 v9, v1, v2, v3\n\tv_mov_b32_e32 v1, 0\n\ts_endpgm\n');
    expect(loop).toBe(false);
    expect(counts).toMatchObject({ multiplyAdds: 1, vector: 2 });
  });
});

describe('readSpirv', () => {
  const name = [0x6e69616d, 0]; // "main"
  const header = [0x07230203, 0x10300, 0, 9, 0];
  const entry = [(5 << 16) | 15, 5, 4, ...name];
  const decorate = (id: number, binding: number) => [(4 << 16) | 71, id, 33, binding];
  const variable = (id: number, storage: number) => [(4 << 16) | 59, 1, id, storage];
  const bytes = (words: number[]) => new Uint8Array(Uint32Array.from(words).buffer);

  it('finds the entry point and the buffers with their bindings', () => {
    const words = [...header, ...entry, ...decorate(7, 2), ...decorate(8, 0), ...variable(7, 12), ...variable(8, 2)];
    const bindings = [
      { index: 2, kind: 'storage' },
      { index: 0, kind: 'uniform' },
    ];
    expect(readSpirv(bytes([...words, ...variable(6, 4)]))).toEqual({ entry: 'main', bindings });
  });

  it('refuses a text that is not SPIR-V, has no entry point, or is cut short', () => {
    expect(() => readSpirv(bytes([1, 2, 3]))).toThrow(/not a SPIR-V module/);
    expect(() => readSpirv(bytes(header))).toThrow(/no entry point/);
    expect(() => readSpirv(bytes([...header, 0]))).toThrow(/breaks off at word 5/);
  });
});

describe('resizeMatrices', () => {
  const CONSTANT = (type: number, id: number, value: number) => [(4 << 16) | 43, type, id, value];
  const MATRIX = (id: number, rows: number, cols: number) => [(7 << 16) | 4456, id, 90, 91, rows, cols, 92];
  const HEADER = [0x07230203, 0x10600, 0, 50, 0];
  const bytes = (words: number[]) => new Uint8Array(Uint32Array.from(words).buffer);

  it("gives every matrix a new side, by a constant of the old one's type in front of the first", () => {
    const before = [...HEADER, ...CONSTANT(7, 8, 8), ...MATRIX(20, 8, 8), ...MATRIX(21, 8, 8), ...CONSTANT(7, 9, 5)];
    const after = [
      ...HEADER,
      ...CONSTANT(7, 8, 8),
      ...CONSTANT(7, 50, 16),
      ...MATRIX(20, 50, 50),
      ...MATRIX(21, 50, 50),
    ];
    after[3] = 51;
    expect(resizeMatrices(bytes(before), 16)).toEqual(bytes([...after, ...CONSTANT(7, 9, 5)]));
  });

  it('leaves a module without matrices unchanged, and refuses a side that is not constant', () => {
    const plain = bytes([...HEADER, ...CONSTANT(7, 8, 8)]);
    expect(resizeMatrices(plain, 16)).toEqual(plain);
    expect(() => resizeMatrices(bytes([...HEADER, ...MATRIX(20, 8, 8)]), 16)).toThrow(/no constants/);
  });

  it('counts matrix multiplications separately', () => {
    const { counts } = hotLoop(
      'BB0:\n\tv_wmma_f32_16x16x16_f16 v[0:7], v[8:15], v[16:23], v[0:7]\n\tv_fma_f32 v9, v1, v2, v3\n',
    );
    expect(counts).toMatchObject({ matrixMultiplies: 1, multiplyAdds: 2, vector: 2 });
  });
});
