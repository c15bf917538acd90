import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { checksumLine } from '#internal/cli/checksum-line';
import { fromArgument } from '#internal/cli/raw-path';
import { digest, gnu, inFolder, main, returnedAll } from '../support/digest.js';
import { populate } from '../support/odd-tree.js';

const run = promisify(execFile);

test('the output equals that of find, sort and sha256sum, for every way to name the tree', async () => {
  await inFolder(async (folder) => {
    populate(folder);
    for (const paths of [['.'], [folder], [`${folder}/`], ['deep', 'one'], ['one', './one', 'deep//'], ['deep/loop']]) {
      const { code, stdout, stderr } = await digest(['--', ...paths], folder);
      assert.equal(stdout, gnu(folder, ...paths), paths.join(' '));
      assert.equal(code, 0);
      assert.ok(returnedAll(stderr), stderr);
    }
  });
});

test('the output is the same for every kind and size of arena, however small', async () => {
  await inFolder(async (folder) => {
    populate(folder);
    const expected = gnu(folder, '.');
    for (const options of [
      ['--slots', '1'],
      ['--slots', '1', '--slot-size', '1'],
      ['--slot-size', '3K', '--slots', '2'],
      ['--slot-size', '1M'],
      ['--memory', '100K', '--slot-size', '4K', '--files', '16'],
      ['--memory', '1', '--files', '3'],
      ['--memory', '4096', '--files', '2'],
      ['--arena', 'buddy'],
      ['--arena', 'buddy', '--memory', '100K', '--slot-size', '7K', '--files', '16'],
      ['--arena', 'buddy', '--slot-size', '5000', '--slots', '3'],
    ]) {
      // One byte at a time would be too slow for the large files.
      const path = /--(slot-size|memory) 1( |$)/.test(options.join(' ')) ? 'one' : '.';
      const { code, stdout, stderr } = await digest([...options, path], folder);
      assert.equal(stdout, path === 'one' ? gnu(folder, 'one') : expected, options.join(' '));
      assert.equal(code, 0);
      assert.ok(returnedAll(stderr), stderr);
    }
  });
});

test('names are escaped as in current coreutils', () => {
  const line = (name: string): string => checksumLine('d', fromArgument(name));
  assert.equal(line('plain'), 'd  plain\n');
  assert.equal(line('back\\slash'), '\\d  back\\\\slash\n');
  assert.equal(line('new\nline'), '\\d  new\\nline\n');
  assert.equal(line('return\rhere'), '\\d  return\\rhere\n');
  assert.equal(line('ä'), 'd  Ã¤\n');
});

test('the summary gives the files, bytes, time, arena and peak memory', async () => {
  await inFolder(async (folder) => {
    writeFileSync(join(folder, 'a'), Buffer.alloc(1000));
    writeFileSync(join(folder, 'b'), Buffer.alloc(500));
    const { stderr } = await digest(['--slot-size', '512', '--slots', '3', folder]);
    assert.match(stderr, /^2 files, 1\.5 kB in \d+\.\d\d s, \d+\.\d MB\/s$/m);
    assert.match(stderr, /^arena: fixed, 3 slots of 512 bytes; \d+ allocations, \d+ frees, 0 live$/m);
    assert.match(stderr, /^peak RSS: \d+\.\d MB$/m);
  });
});

test('--json prints one document with the digests, the failures and the summary', async () => {
  await inFolder(async (folder) => {
    writeFileSync(join(folder, 'ä\n'), 'abc');
    writeFileSync(join(folder, 'b'), '');
    const { code, stdout } = await digest(['--json', folder, join(folder, 'missing')]);
    assert.equal(code, 1);
    const { files, failures, summary } = JSON.parse(stdout);
    assert.deepEqual(files, [
      {
        path: join(folder, 'b'),
        sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
        bytes: 0,
      },
      {
        path: join(folder, 'ä\n'),
        sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
        bytes: 3,
      },
    ]);
    assert.deepEqual(failures, [
      { path: join(folder, 'missing'), code: 'ENOENT', message: 'No such file or directory' },
    ]);
    assert.deepEqual(
      [summary.files, summary.failures, summary.bytes, summary.interrupted, summary.arena.bytesLive],
      [2, 1, 3, false, 0],
    );
    assert.equal(summary.arena.allocationsOk, summary.arena.frees);
    assert.ok(summary.peakRssBytes > 1e6);
  });
});

test('--json prints a valid document when there are no files', async () => {
  await inFolder(async (folder) => {
    const { code, stdout } = await digest(['--json', folder]);
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout).files, []);
  });
});

test('without a path it hashes the folder of the package, from any working directory', async () => {
  await inFolder(async (folder) => {
    const home = join(folder, 'package');
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    cpSync(join(main, '../../..', 'package.json'), join(home, 'package.json'));
    cpSync(join(main, '../..'), join(home, 'dist'), { recursive: true });
    symlinkSync(join(main, '../../../node_modules'), join(home, 'node_modules'));
    for (const [cwd, path] of [
      [home, '.'],
      [elsewhere, '../package'],
    ] as const) {
      const { stdout } = await run(process.execPath, [join(home, 'dist/cli/main.js'), 'digest'], { cwd });
      assert.equal(stdout, gnu(cwd, path));
    }
  });
});

test('on a terminal the command shows a progress bar, failures and the summary', async (context) => {
  if (spawnSync('script', ['--version']).status !== 0) return context.skip('script(1) is needed to make a terminal');
  await inFolder(async (folder) => {
    writeFileSync(join(folder, 'file'), Buffer.alloc(3_000_000));
    const command = `${process.execPath} ${main} digest /proc/self/mem ${folder} > ${folder}.sums || true`;
    const { stdout } = await run('script', ['--quiet', '--return', '--command', command, '/dev/null']);
    rmSync(`${folder}.sums`);
    assert.match(stdout, /[█░]+ \d+% \| .* of 3\.0 MB/);
    assert.match(stdout, /\/proc\/self\/mem: Input\/output error/);
    assert.match(stdout, /1 file, 1 failed, 3\.0 MB/);
  });
});
