import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { shellQuoted } from '../../src/cli/run/text.ts';
import { browserCommand } from '../../src/cli/shared/open.ts';
import { listCandidates } from '../../src/drivers/candidates.ts';

/**
 * What can be tested here about other systems: the logic of paths and commands, and the files that describe machines.
 */

const root = resolve(import.meta.dirname, '..', '..');

describe('drivers', () => {
  const platform = process.platform;
  const on = (value: string) => Object.defineProperty(process, 'platform', { value });
  afterEach(() => void on(platform));
  const kinds = (value: string) => {
    on(value);
    return listCandidates({}).map(({ kind }) => kind);
  };

  it('are tried in each system’s order', () => {
    expect(kinds('win32')).toEqual(['gpu', 'fallback', 'swiftshader']);
    expect(kinds('darwin')).toEqual(['gpu', 'swiftshader']);
    expect(kinds('linux')).toEqual(['gpu', 'lavapipe', 'swiftshader']);
  });

  it('are not Vulkan outside Linux, and WARP is requested by name', async () => {
    for (const value of ['win32', 'darwin']) {
      on(value);
      const recipe = await listCandidates({ VK_DRIVER_FILES: 'x' })[0]?.prepare();
      expect(recipe).toMatchObject({ env: {}, libraries: [], loaders: [] });
    }
    on('win32');
    const warp = await listCandidates({})[1]?.prepare();
    expect(warp).toMatchObject({ request: { forceFallbackAdapter: true } });
    expect(warp?.flags).toContain('backend=d3d12');
  });
});

it('a browser is opened by each system’s own command, without a shell', () => {
  const url = 'file:///C:/a%20b/report.html?x=1&y=2';
  expect(browserCommand('win32', url)).toEqual(['rundll32', 'url.dll,FileProtocolHandler', url]);
  expect(browserCommand('darwin', url)).toEqual(['open', url]);
  expect(browserCommand('linux', url)).toEqual(['xdg-open', url]);
});

it('commands to copy quote what either kind of shell would split', () => {
  expect(shellQuoted('C:\\runs\\mine')).toBe('C:\\runs\\mine');
  expect(shellQuoted('C:\\My Runs\\mine')).toBe('"C:\\My Runs\\mine"');
  expect(shellQuoted('/home/a/runs')).toBe('/home/a/runs');
});

describe.each(['Dockerfile', '.github/workflows/test.yml', '.ci/run'])('%s', (path) => {
  const text = readFileSync(join(root, path), 'utf8');

  it('runs scripts and files that are there', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const named = [
      ...[...text.matchAll(/npm run (?:--silent )?([\w:]+)/g)].map((match) => match[1]),
      ...[...text.matchAll(/npm (start|test)\b/g)].map((match) => match[1]),
    ];
    expect(named.length).toBeGreaterThan(0);
    for (const name of named) expect(Object.keys(scripts)).toContain(name);
    for (const [file] of text.matchAll(/(?<=run: )\.[\w/.]+/g)) expect(existsSync(join(root, file)), file).toBe(true);
  });

  it('requires no Node older than the package allows', () => {
    const oldest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node.replace('>=', '');
    const [least = 0, minor = 0] = oldest.split('.').map(Number);
    // `node: 22`, `node-version: 22` and the image `node:22-trixie-slim`.
    for (const [, major, rest = '99'] of text.matchAll(/node(?:-version)?: ?'?(\d+)(?:\.(\d+))?/g)) {
      expect(Number(major) * 100 + Number(rest)).toBeGreaterThanOrEqual(least * 100 + minor);
    }
  });
});
