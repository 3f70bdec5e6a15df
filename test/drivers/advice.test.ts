import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { adviseFaster, lavapipeCommand, type System } from '../../src/drivers/advice.ts';
import { osRelease } from '../../src/drivers/os_release.ts';

const folder = mkdtempSync(join(tmpdir(), 'pixtape-advice-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const swiftshader = [{ kind: 'swiftshader' as const, ok: true, description: '' }];
const system = (release: string, more: Partial<System> = {}): System => ({
  platform: 'linux',
  release: osRelease(release),
  musl: false,
  has: () => false,
  scripts: 'scripts',
  ...more,
});
const onDebian12 = 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm';

describe('the advice', () => {
  it('is one command per family of Linux', () => {
    const command = (release: string) => adviseFaster(swiftshader, system(release)).command;
    expect(command(onDebian12)).toBe(`sudo sh ${join('scripts', 'install-lavapipe.sh')}`);
    expect(command('ID=debian\nVERSION_ID="13"')).toMatch(/^sudo apt-get install .*mesa-vulkan-drivers/);
    expect(command('ID=linuxmint\nID_LIKE="ubuntu debian"')).toMatch(/^sudo apt-get/);
    expect(command('ID=fedora')).toMatch(/^sudo dnf/);
    expect(command('ID="rocky"\nID_LIKE="rhel centos fedora"')).toMatch(/^sudo dnf/);
    expect(command('ID=arch')).toMatch(/^sudo pacman/);
    expect(command('ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"')).toMatch(/^sudo zypper/);
    expect(command('ID=wolfi')).toMatch(/^sudo apk/);
    expect(command('ID=plan9')).toBeUndefined();
    expect(lavapipeCommand(system('ID=plan9', { has: (name) => name === 'brew' }))).toMatch(/^brew install/);
  });

  it('names no command if the best driver is installed', () => {
    const lavapipe = { kind: 'lavapipe' as const, ok: true, description: '' };
    expect(adviseFaster([lavapipe], system(onDebian12)).command).toBeUndefined();
  });

  it('is to fetch lavapipe in a clone on a system with apt, but not in a package, which has no set-up', () => {
    const has = (name: string) => name === 'apt-get';
    const advice = () => adviseFaster(swiftshader, system(onDebian12, { has, scripts: folder })).command;
    expect(advice()).toMatch(/^sudo sh .*install-lavapipe\.sh$/);
    writeFileSync(join(folder, 'lavapipe.mjs'), '');
    expect(advice()).toBe('npm run lavapipe');
  });

  it('says that no driver helps if Dawn itself does not run, and what other systems have', () => {
    expect(adviseFaster([], system('ID=alpine', { musl: true }))).toEqual({ text: expect.stringMatching(/glibc/) });
    expect(adviseFaster([], system('', { platform: 'darwin' })).text).toMatch(/Metal/);
    expect(adviseFaster([], system('', { platform: 'win32' })).text).toMatch(/driver/);
  });
});

describe('os-release', () => {
  it('is read with and without quotes, and is empty if the file is missing', () => {
    expect(osRelease(`PRETTY_NAME='Some OS'\n${onDebian12}\nID_LIKE="a b"`)).toEqual({
      id: 'debian',
      version: '12',
      codename: 'bookworm',
      family: new Set(['debian', 'a', 'b']),
      name: 'Some OS',
    });
    expect(osRelease('')).toEqual({ id: '', version: '', codename: '', family: new Set(), name: '' });
  });
});
