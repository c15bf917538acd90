/** A mistake that is planted into a file of the built package. At least one test must fail because of it. */
export interface Fault {
  /** What is wrong. */
  readonly name: string;
  /** File in `dist`, without its extension. */
  readonly file: string;
  /** Text that occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** Test files that should find the fault. They run first. */
  readonly tests?: readonly string[];
}

/** The text to find and its replacement, by the name of the fault. */
type Edits = Readonly<Record<string, readonly [find: string, replace: string]>>;

function faultsIn(file: string, tests: readonly string[], edits: Edits): Fault[] {
  return Object.entries(edits).map(([name, [find, replace]]) => ({ name, file, find, replace, tests }));
}

/** Faults that change nothing observable are not in this table, because no test could find them. */
export const faults: readonly Fault[] = [
  ...faultsIn(
    'handles/handles',
    [
      'bytes-lifecycle',
      'bytes-compare',
      'bytes-slicing',
      'bytes-view',
      'bytes-owned',
      'spill',
      'bytes-mut',
      'init-policy',
      'bytes-channel',
      'parse-buffer',
      'compact',
      'stream-buffers',
    ],
    {
      'release() does not subtract a holder': [
        'this.giveUp();\n        if (--allocation.holders === 0)',
        'this.giveUp();\n        if (allocation.holders === 1)',
      ],
      'narrowing to an empty range does not subtract a holder': [
        'EMPTY.holders++;\n        if (--allocation.holders === 0)',
        'EMPTY.holders++;\n        if (allocation.holders === 1)',
      ],
      'departing does not subtract a holder': [
        'source.giveUp();\n        if (--allocation.holders === 0)',
        'source.giveUp();\n        if (allocation.holders === 1)',
      ],
      'a clone is not counted': [
        'allocation.holders++;\n        return new Bytes(allocation, this.offset, this.size);',
        'return new Bytes(allocation, this.offset, this.size);',
      ],
      'a slice is not counted': [
        'allocation.holders++;\n        return new Bytes(allocation, offset, size);',
        'return new Bytes(allocation, offset, size);',
      ],
      'an empty slice holds memory': ['if (size === 0)\n            return new Bytes(EMPTY, 0, 0);', ''],
      'narrowing to an empty range keeps the memory': ['if (size !== 0)\n            return;', 'return;'],
      'freezing an empty buffer keeps the slot': [
        'allocation.giveBack();\n        return Bytes.over(EMPTY, 0, 0);',
        'return Bytes.over(EMPTY, 0, 0);',
      ],
      'a freeze is not counted': ['allocation.countFreeze();', ''],
      'the written range is not recorded': [
        'if (this.cursor > allocation.dirtyEnd)\n            allocation.dirtyEnd = this.cursor;',
        '',
      ],
      'the last written byte is not recorded': [
        'allocation.dirtyEnd = this.cursor;',
        'allocation.dirtyEnd = this.cursor - 1;',
      ],
      'the recorded written range can shrink': ['if (this.cursor > allocation.dirtyEnd)', 'if (true)'],
      'a spill is not counted': ['owner.countSpill();', ';'],
      'a spill keeps the slot': ['owner.countSpill();\n        allocation.giveBack();', 'owner.countSpill();'],
      'a spill copies nothing': ['if (used > 0)\n            bytes.set(allocation.content(start, used));', ''],
      'bytes appended in a spill are put at the front': [
        '            bytes.set(tail, used);',
        '            bytes.set(tail, 0);',
      ],
      'bytes appended in a spill are not counted': [
        'this.cursor = tail === undefined ? used : used + byteCount;\n        owner',
        'this.cursor = used;\n        owner',
      ],
      'bytes appended to a growing BytesMut are lost': ['allocation.memory.bytes.set(tail, used);', ''],
      'a BytesMut moves its content under what was cut off': ['holders !== SHARED && ', ''],
      'a BytesMut moves more than it gains': ['start >= used && ', ''],
      'a frozen BytesMut is writable though parts were cut off': ['allocation.holders = SHARED;', ''],
      'a BytesMut drops less than it is told': ['allocation.start += checkInteger(', 'void checkInteger('],
      'compact() of an adopted chunk keeps memory of the arena': [' && owner.pressure === undefined', ''],
      'compact() copies bytes that fit': ['this.size === 0 || liesAlone', 'false'],
      'compact() keeps roomy heap memory': ['memory.byteLength === this.size', 'true'],
      'compact() keeps the old handle': ['this.release();\n        return compact;', 'return compact;'],
      'tryIntoMut() takes bytes that other handles hold': [
        'owner.writable && owner.isSoleHolder(allocation)',
        'owner.writable',
      ],
      'tryIntoMut() takes memory that the library does not own': [
        'owner.writable && owner.isSoleHolder(allocation)',
        'owner.isSoleHolder(allocation)',
      ],
      'tryIntoMut() brings back bytes that were cut off at the front': ['allocation.start = this.offset;', ''],
      'slice() may end one byte past the end': [
        "checkInteger(end, 'end', 0, this.size)",
        "checkInteger(end, 'end', 0, this.size + 1)",
      ],
      'slice() may start after its own end': [
        "checkInteger(start, 'start', 0, end)",
        "checkInteger(start, 'start', 0, this.size)",
      ],
      'splitTo() may cut one byte past the end': [
        "checkInteger(at, 'at', 0, this.size);\n        const head",
        "checkInteger(at, 'at', 0, this.size + 1);\n        const head",
      ],
      'splitOff() may cut one byte past the end': [
        "checkInteger(at, 'at', 0, this.size);\n        const tail",
        "checkInteger(at, 'at', 0, this.size + 1);\n        const tail",
      ],
      'splitTo() does not shorten the rest': [
        'this.narrow(this.offset + at, this.size - at)',
        'this.narrow(this.offset + at, this.size)',
      ],
      'the view does not follow a handle that shrinks': [
        'if (borrowed !== undefined && borrowed.length === this.size && this.size > 0)',
        'if (borrowed !== undefined)',
      ],
      'intoOwned() does not release the handle': ['this.release();\n        return owned;', 'return owned;'],
      'reserve() ignores the bytes already written': [
        'if (byteCount > allocation.limit - this.cursor)',
        'if (byteCount > allocation.limit)',
      ],
      'a BytesMut can be used after its freeze': [
        'this.allocation = SPENT;\n        return length === 0 ? Bytes.empty : Bytes.over(allocation',
        'return length === 0 ? Bytes.empty : Bytes.over(allocation',
      ],
      'a ticket for empty bytes does not use up the handle': [
        'this.giveBack();\n            return EMPTY_TICKET;',
        'return EMPTY_TICKET;',
      ],
      'a buffer can be frozen twice': [
        'dirtyEnd = this.cursor;\n        this.allocation = SPENT;',
        'dirtyEnd = this.cursor;',
      ],
    },
  ),
  ...faultsIn(
    'handles/content',
    ['bytes-lifecycle', 'bytes-slicing', 'bytes-search', 'bytes-compare', 'implicit-conversions'],
    {
      'at() reads one byte past the end': ['if (index >= this.size)', 'if (index > this.size)'],
      'indexOf() refuses to start at the end': [
        "const { offset, size } = this;\n        checkInteger(from, 'from', 0, size);",
        "const { offset, size } = this;\n        checkInteger(from, 'from', 0, size - 1);",
      ],
      'index 0 gives undefined': ['refuseIndices(BytesContent.prototype, ', 'void (BytesContent.prototype, '],
      'bytes become a number': ["toPrimitive(hint, 'Bytes'", "toPrimitive('default', 'Bytes'"],
      'a copy runs over the end of the target': ['Math.min(part.length, room.length - targetStart)', 'part.length'],
      'endsWith() looks one byte too early': ['own.length - run.length)', 'own.length - run.length - 1)'],
    },
  ),
  ...faultsIn('handles/reader', ['numbers', 'bytes-lifecycle', 'bytes-slicing', 'writers'], {
    'a read may take one byte past the end': [
      'const at = this.offset;\n        if (byteCount > this.size)',
      'const at = this.offset;\n        if (byteCount > this.size + 1)',
    ],
    'a negative integer is read as a positive one': ['value >= range / 2', 'false'],
    'a varint moves one byte too far': ['this.take(length);', 'this.take(length + 1);'],
  }),
  ...faultsIn('handles/peeks', ['numbers'], {
    'a peek may take one byte past the end': ['index + byteCount > this.size', 'index + byteCount > this.size + 1'],
  }),
  ...faultsIn('handles/rare-writers', ['numbers'], {
    'bytes that are not written yet can be overwritten': ['if (at + bytes.length > length)', 'if (false)'],
    'an overwrite ignores where the content starts': [
      'memory.bytes.set(bytes, start + at);',
      'memory.bytes.set(bytes, at);',
    ],
    'an integer too large for its bytes is cut': ['value >= 0 && value <= max', 'value >= 0'],
  }),
  ...faultsIn('memory/varint', ['numbers'], {
    'a varint without an end is read': ['if (byte === undefined)', 'if (false)'],
    'a varint larger than 2^64 - 1 is read': ['if (value >= 2n ** 64n)', 'if (false)'],
    'zigzag forgets the sign': ['value < 0n ? -2n * value - 1n : 2n * value', '2n * value'],
  }),
  ...faultsIn('handles/memory-pressure', ['node-files', 'framing-small-arenas'], {
    'holders of spare memory are not asked to return it': ['giveBack();', ''],
  }),
  ...faultsIn('handles/writer', ['writers', 'spill', 'init-policy', 'bytes-mut', 'bytes-owned'], {
    'a value may reach one byte into the neighbouring slot': [
      'return at + byteCount <= this.allocation.limit ? at',
      'return at + byteCount <= this.allocation.limit + 1 ? at',
    ],
    'advanceMut() may go one byte past the capacity': ['if (byteCount > remaining)', 'if (byteCount > remaining + 1)'],
    'memory lent for writing is not recorded as written': [
      'allocation.dirtyEnd = allocation.limit;\n        return rest;',
      'return rest;',
    ],
    'putSlice() always writes at the front of the slot': [
      'room.set(source, cursor - allocation.offset);',
      'room.set(source, 0);',
    ],
    'putSlice() grows a buffer that must not grow': [
      'if (!this.grows(allocation))\n            throw new BufferFullError(allocation.limit - this.cursor, byteCount);\n        // The',
      '// The',
    ],
    'chunkMut() of a full buffer does not spill it': [
      'if (this.cursor === allocation.limit && this.grows(allocation))',
      'if (false)',
    ],
    'tryPutSlice() refuses bytes that fit exactly': ['> this.remainingMut())', '>= this.remainingMut())'],
    'length counts from the start of the block': [
      'return this.cursor - this.live().start;',
      'return this.cursor - this.live().offset;',
    ],
  }),
  ...faultsIn('memory/search', ['bytes-compare', 'bytes-search'], {
    'the word comparison runs past the end': ['while (at + 4 <= length &&', 'while (at + 3 <= length &&'],
    'the bytes after the last whole word are not compared': [
      'while (at < length && a[at] === b[at])',
      'while (at < length - 3 && a[at] === b[at])',
    ],
    'a needle at the end of the haystack is not found': [
      'const last = haystack.length - needle.length;',
      'const last = haystack.length - needle.length - 1;',
    ],
    'a needle at the end of a short haystack is not found': [
      'const behind = end - needle.length + 1;',
      'const behind = end - needle.length;',
    ],
    'a short search looks past the end': ['const behind = end - needle.length + 1;', 'const behind = end;'],
    'the first bytes before a whole word are not searched': [
      'if (bytes[at] === byte)\n                return at;\n        const four',
      ';\n        const four',
    ],
    'a byte before the window is found': ['(byteOffset + at) & 3) !== 0', '(byteOffset + at) & 3) > 3'],
    'a byte that is one higher is found': ['word - 0x01010101', 'word - 0x01010102'],
    'the last byte of a needle is not compared': [
      'index < needle.length; index++',
      'index < needle.length - 1; index++',
    ],
    'a prefix sorts after the longer bytes': ['a.length < b.length ? -1 : 1', 'a.length < b.length ? 1 : -1'],
    'after a false match the search skips a whole needle': [
      'haystack.indexOf(first, at + 1)',
      'haystack.indexOf(first, at + needle.length)',
    ],
  }),
  ...faultsIn('handles/raw-region', ['raw-region', 'init-policy', 'collector'], {
    'freeze() of a region may end one byte past the end': ['end > capacity', 'end > capacity + 1'],
    'an empty freeze of a region keeps the slot': [
      'if (start === end) {\n            allocation.giveBack();',
      'if (start === end) {',
    ],
    'a region is not recorded as written': ['allocation.dirtyEnd = allocation.limit;', ''],
    'a region is not recorded as lent': ['allocation.owner.lend(allocation);', ''],
    'a region can be released twice': [
      'this.allocation = SPENT;\n        allocation.giveBack();',
      'allocation.giveBack();',
    ],
    'a freeze of a region is not counted': ['allocation.countFreeze();', ''],
  }),
  ...faultsIn('arenas/tiered-arena', ['tiered-arena'], {
    'a request takes a slot that is too small': ['capacities[index] < length', 'capacities[index] < length - 1'],
    'a request takes a larger slot than it needs': ['capacities[index] < length', 'capacities[index] <= length'],
    'climbs are not counted': ['this.climbs++;', ';'],
    'a full tier stops a request': [
      'if (buffer === undefined)\n                continue;',
      'if (buffer === undefined)\n                return undefined;',
    ],
    'the fallback is not counted': [
      'this.fallbacks++;\n            return buffer;\n        }\n        if (fallback',
      'return buffer;\n        }\n        if (fallback',
    ],
    'a refusal is not counted': ['this.failures++;\n        const', 'const'],
    'tiers stay open': ['arena.close();', ';'],
    'the order of the tiers counts': ['.sort((a, b) => a.slotCapacity - b.slotCapacity)', ''],
    'two tiers may have slots of one size': ['if (slotCapacity === sorted[index + 1]?.slotCapacity)', 'if (false)'],
    'a wait ignores the signal': ['if (signal?.aborted)', 'if (false)'],
    'a large request waits for a slot': [
      'if (tier !== undefined)\n            return tier',
      'if (tier === undefined)\n            return this.tiers[0].allocateAsync(1, options);\n        if (true)\n            return tier',
    ],
  }),
  ...faultsIn('planner/trace-file', ['trace-file'], {
    'a trace may end anywhere': [
      'if (byte === undefined)\n                this.fail(',
      'if (byte === undefined)\n                return 0;\n            if (false)\n                this.fail(',
    ],
    'the number of steps is not checked': ['if (steps !== builder.count)', 'if (false)'],
    'data after the end is ignored': ['if (!decoder.isAtEnd)', 'if (false)'],
    'numbers may have any length': ["return this.fail('a number is too long');", 'return value;'],
    'times go back': ['Math.max(this.last, Math.round(now))', 'Math.round(now)'],
  }),
  ...faultsIn('planner/trace', ['trace-file', 'size-list'], {
    'an allocation may have any size': ['if (size > LARGEST_SIZE)', 'if (false)'],
    'what is not live may be released': ['if (!this.live.delete(index))', 'if (false)'],
    'a trace may be empty': ['if (this.sizes.length === 0)', 'if (false)'],
  }),
  ...faultsIn('planner/size-list', ['size-list'], {
    'more live than was said': ['if (row >= live)', 'if (row > live)'],
    'an empty cell is 0': ["cell === '' ? undefined : Number(cell)", 'Number(cell)'],
    'every line may have names': ['isFirst = false;', ';'],
    'releases come after allocations of the same time': ['late(a) - late(b) || ', ''],
  }),
  ...faultsIn('planner/size-classes', ['plan'], {
    'a class has too few slots': ['if (now > peaks[at])', 'if (now > peaks[at] + 1)'],
    'a slot is too small': ['Math.ceil(size / GRAIN)', 'Math.floor(size / GRAIN)'],
    'the first choice of classes is taken': ['if (memory < next[end])', 'if (next[end] === Number.POSITIVE_INFINITY)'],
  }),
  ...faultsIn('planner/replay', ['plan'], {
    'the heap costs nothing': ['candidate.reserved + counted.peakHeap', 'candidate.reserved'],
    'failures are not counted': ['failures++;', ';'],
  }),
  ...faultsIn('planner/plan', ['plan'], {
    'the arena with the most classes wins': [
      'one.code.length < other.code.length',
      'one.code.length > other.code.length',
    ],
    'the order is that of the tries': ['outcomes.sort((a, b) => a.failures - b.failures || a.memory - b.memory);', ''],
  }),
  ...faultsIn('planner/recorder', ['plan'], {
    'memory that is shared is recorded': ["name === 'from' && isShared(args[0])", 'false'],
    'a concat is recorded twice': ['if (this.isMaking)\n                return make.apply(Buffer, args);', ''],
    'a program that a signal ends leaves half a trace': ['recorder.end();\n            process.off', 'process.off'],
    'releases are not recorded': ['this.encoder.released(index, now());', ';'],
  }),
  ...faultsIn('inspector/requests', ['requests'], {
    'any token is right': ['if (!isSame(first, token) || rest.length === 0)', 'if (rest.length === 0)'],
    'any Host is right': ["if (!hosts.includes(headers.host ?? ''))", 'if (false)'],
    'any Origin is right': ['if (headers.origin !== undefined && ', 'if (false && '],
    'any method is served': ["if (method !== 'GET')", 'if (false)'],
  }),
  ...faultsIn('inspector/index', ['requests', 'inspector-page'], {
    'the page may be framed': ["frame-ancestors 'none'", 'frame-ancestors *'],
    'other machines can connect': [
      "server.listen(port, '127.0.0.1', resolve);",
      "server.listen(port, '0.0.0.0', resolve);",
    ],
    'anything is taken as an arena': ['if (!(arena instanceof TieredArena))', 'if (false)'],
    'snapshots are made once': ['() => this.send(), EVERY', '() => undefined, EVERY'],
  }),
  ...faultsIn('inspector/survey', ['survey'], {
    'a lent slot looks frozen': ["trace.lent ? 'lent' : 'frozen'", "'frozen'"],
    'a frozen slot looks as if it were being written': ['if (dirtyEnd === offset)', 'if (true)'],
    'pinned slots look used': ['states.fill(PINNED, block, block + 2 ** order);', ';'],
    'a large free block is one unit': ['states.fill(0, block, block + 2 ** order);', 'states[block] = 0;'],
    'a map that did not change is sent': ['if (map.cells === this.cells && !isFirst)', 'if (false)'],
    'a cell with a little in use looks free': ['Math.max(1, Math.floor', 'Math.max(0, Math.floor'],
    'holders are not counted': ['Math.min(record.holders, 9)', '0'],
  }),
  ...faultsIn('blocks/buddy-blocks', ['survey'], {
    'the spare of an order is not listed': ['visit(this.spares[order], order);', ';'],
    'only spares are listed': ['this.more[order].visitFree((entry) => visit(entry << order, order));', ';'],
  }),
  ...faultsIn('node/flush-turn', ['outbox-group', 'outbox-failures'], {
    'a stream that cannot be corked stops the others': [
      'catch (error) {\n            throwLater(error); // the',
      'catch (error) {\n            throw error; // the',
    ],
  }),
  ...faultsIn('engine/events', ['events', 'channels'], {
    'a channel does not name the arena': ['{ arena, ...event }', '{ ...event }'],
    'channels tell nothing': ['channel?.publish(', 'void ('],
    'nobody hears of waits on channels': [' || environment.channels?.[type].hasSubscribers === true', ''],
  }),
  ...faultsIn('metrics/otel', ['otel'], {
    'reporting does not end': [
      'return () => meter.removeBatchObservableCallback(report, observables);',
      'return () => undefined;',
    ],
    'figures have no name': ["{ 'arena_alligator.arena': name }", '{}'],
  }),
  ...faultsIn('metrics/prometheus', ['prometheus'], {
    'sums are added up twice': [
      'this.reset();\n                for (const [arena, value] of valuesOf(entries, read))\n                    this.inc',
      'for (const [arena, value] of valuesOf(entries, read))\n                    this.inc',
    ],
    'a registry that refuses keeps some figures': ['remove();\n        throw', 'throw'],
    'the figures stay in the registry': ['registry.removeSingleMetric(name);', ';'],
  }),
  ...faultsIn('metrics/instruments', ['otel', 'prometheus'], {
    'times are in ms': ['longestWait / 1000', 'longestWait'],
    'what is no arena is accepted': ["typeof arena?.metrics !== 'function'", 'false'],
  }),
  ...faultsIn('handles/allocation', ['spill-pool', 'bytes-view', 'collector', 'guarded'], {
    'a view of another length is reused': [' || lengthOfView(view) !== length', ''],
    'a view of another offset is reused': [' || this.viewOffset !== offset', ''],
    'a spill copies the whole slot': ['room.length === length && offset === this.offset', 'room.length > 0'],
    'lending is not recorded': ['this.owner.lend(this);', ';'],
    'lending a slot on the direct way is not recorded': ['this.trace.lent = true;', ';'],
    'an arena that hides nothing is asked for every slot': [
      'shelf.isDirect)\n            shelf.put(this);',
      'true)\n            shelf.put(this);',
    ],
  }),
  ...faultsIn(
    'handles/allocation',
    ['fixed-arena', 'fixed-arena.property', 'collector', 'close', 'init-policy', 'metrics'],
    {
      'the shelf keeps a reference to the record of a slot in use': ['this.records[top] = undefined;', ''],
      'a slot on the shelf is handed out twice': ['--this.count;', 'this.count - 1;'],
      'claiming a slot of the shelf is not counted': ['counts[ALLOCATIONS_OK] = counts[ALLOCATIONS_OK] + 1;', ''],
      'a freeze on the direct way is not counted': ['counts[FROZEN] = counts[FROZEN] + 1;', ''],
      'a slot of the shelf has no holder': ['record.holders = 1;', 'record.holders = 0;'],
      'a slot of the shelf starts at the offset of its last content': ['record.start = offset;', ''],
      'a slot of the shelf keeps the written range of its last owner': ['record.dirtyEnd = offset;', ''],
      'a slot on the shelf still counts as lent': ['record.trace.lent = false;', ''],
    },
  ),
  ...faultsIn(
    'engine/engine',
    ['init-policy', 'metrics', 'close', 'from-raw', 'waiting', 'waiting-buddy', 'collector', 'zero-policy.property'],
    {
      'a release does not scrub': ['if (this.zeroes && record.dirtyEnd > record.offset)', 'if (false)'],
      'recovering a forgotten block does not scrub it': [
        'if (this.zeroes)\n            this.memory.zero',
        'if (false)\n            this.memory.zero',
      ],
      'recovering a forgotten block scrubs only its first unit': [
        'this.memory.zero(offset, offset + this.unit * (1 << order))',
        'this.memory.zero(offset, offset + this.unit)',
      ],
      'a released record still counts as lent': ['trace.lent = false;', ''],
      'a leak that was lent is reused instead of pinned': ['if (lent) {', 'if (false) {'],
      'a pinned leak is not added to the pinned blocks': ['this.pinned.push({ block, order });', ''],
      'the first use of a block does not scrub it': ['this.memory.zero(offset, offset + this.unit);', ''],
      'every use of a block scrubs it as if it were the first': ['warmed[unit] = 1;', ''],
      'the first use of a block scrubs only its first unit': [
        'const end = block + (1 << order);',
        'const end = block + 1;',
      ],
      'dealloc runs while memory is pinned': ['if (live > 0 || dealloc === undefined)', 'if (dealloc === undefined)'],
      'dealloc never runs when a block was live at close()': [
        'if (live > this.counters[LEAKS_PINNED])\n            return;',
        '',
      ],
      'dealloc runs twice': ['dealloc();\n', 'dealloc();\n            dealloc();\n'],
      'the error of dealloc is lost': ['throwLater(error);', ''],
      'a closed arena can be collected before its dealloc': ['closing.add(this);', ''],
      'a failed claim is not counted': [
        "this.countFailure('ARENA_FULL', capacity);\n        return undefined;",
        'return undefined;',
      ],
      'a release subtracts one unit, whatever its order': ['this.usedUnits -= 1 << order;', 'this.usedUnits -= 1;'],
      'a claim adds one unit, whatever its order': ['this.usedUnits += 1 << order;', 'this.usedUnits += 1;'],
      'a claim is not counted as in use': ['this.usedBlocks++;', ''],
      'a release is not subtracted from the blocks in use': ['this.usedBlocks--;', ''],
      'the pool keeps a reference to records in use': ['this.pool[pooled - 1] = undefined;', ''],
      'the written range of the last owner stays': ['record.dirtyEnd = offset;', ''],
      'a release listener replaces the one that a closed arena needs': [
        'if (!this.isClosed)\n            this.afterRelease = listener;',
        'this.afterRelease = listener;',
      ],
      'recovering a block wakes no waiter': [
        'if (this.afterRelease !== undefined)\n            this.afterRelease(freedOrder);\n        this.reporter',
        'this.reporter',
      ],
      'a release wakes no waiter': [
        'this.keepRecord(record);\n        if (this.afterRelease !== undefined)',
        'this.keepRecord(record);\n        if (false)',
      ],
      'a refusal is not counted': ['this.countFailure(code, requested);\n        return requested', 'return requested'],
    },
  ),
  ...faultsIn('blocks/free-bitmap', ['free-bitmap', 'reservation', 'fixed-arena.property', 'buddy-arena.property'], {
    'a release does not update the summaries': ['if (word === 0)\n            this.markUsable(index);', ''],
    'a release updates only the first summary': [
      'if (word !== 0)\n                return;\n            index >>>= 5;',
      'return;',
    ],
    'an exact claim does not update the summaries': ['if (rest === 0)\n            this.markExhausted(index);', ''],
    'a claim does not update the summaries': ['if (word === lowest)\n            this.markExhausted(index);', ''],
    'a claim updates only the first summary': [
      'if (word !== 0)\n                return;\n        }',
      'return;\n        }',
    ],
    'the bitmap has more entries than were asked for': ['if (words !== undefined && bits % 32 !== 0)', 'if (false)'],
    'a whole word at the end of a region is skipped': ['if (end < first + 32)', 'if (end <= first + 32)'],
    'entries before a region count as inside it': ['if (start > first)', 'if (false)'],
    'an exact claim of a taken entry succeeds': ['if (rest === word)\n            return false;', ''],
  }),
  ...faultsIn('blocks/buddy-blocks', ['buddy-arena', 'buddy-arena.property', 'reservation'], {
    'the smallest spare of a split is lost': [
      'this.withSpare |= lowest - (1 << order);',
      'this.withSpare |= lowest - (2 << order);',
    ],
    'several splits in one claim count as one': ['this.splits += from - order;', 'this.splits += 1;'],
    'several coalesces in one release count as one': [
      'this.coalesces += order - first;',
      'this.coalesces += order > first ? 1 : 0;',
    ],
    'a spare that was coalesced stays free': [
      'spares[order] === buddy)\n                this.withSpare ^= bit;',
      'spares[order] === buddy);',
    ],
    'a coalesced block keeps the start of its right half': ['block &= buddy;', ''],
    'releases never coalesce to the largest block': [
      'for (; order < maxOrder; order++) {',
      'for (; order < maxOrder - 1; order++) {',
    ],
    'an order stays usable when its last buddy is taken': [
      'if (bitmap.isEmpty)\n            this.withMore ^= 1 << order;',
      '',
    ],
    'an order stays usable when its last block is taken': [
      'bitmap.claim() << order;\n        if (bitmap.isEmpty)\n            this.withMore ^= bit;',
      'bitmap.claim() << order;',
    ],
    'the spare just after a region is claimed with it': [
      'if ((this.withSpare & bit) !== 0 && spare >= region && spare < end) {',
      'if ((this.withSpare & bit) !== 0 && spare >= region && spare <= end) {',
    ],
    'spares do not count in the free units of a region': ['units += bit;', ''],
    'blocks in bitmaps do not count in the free units of a region': [
      ' << order;\n        }\n        return units;',
      ' & 0;\n        }\n        return units;',
    ],
    'a claim takes the largest block instead of the smallest': [
      'const lowest = usable & -usable;',
      'const lowest = 2 ** (31 - Math.clz32(usable));',
    ],
  }),
  ...faultsIn('blocks/geometry', ['buddy-geometry', 'alignment'], {
    'a power of two is rounded up to the next one': ['while (power < value)', 'while (power <= value)'],
    'aligning up rounds down': [
      'return Math.ceil(value / alignment) * alignment;',
      'return Math.floor(value / alignment) * alignment;',
    ],
    'aligning down rounds up': [
      'return Math.floor(value / alignment) * alignment;',
      'return Math.ceil(value / alignment) * alignment;',
    ],
    'a snapped arena is smaller than requested': [
      'Math.ceil(total / minBlockSize)',
      'Math.floor(total / minBlockSize)',
    ],
    'blocks exactly as large as the alignment are refused': [
      'if (alignment <= this.minBlockSize)',
      'if (alignment < this.minBlockSize)',
    ],
    'an alignment that is not a power of two is accepted': ['if (!isPowerOfTwo(alignment))', 'if (false)'],
    'a snapped geometry forgets its alignment': [
      'snapped(this.totalSize, alignment, alignment)',
      'snapped(this.totalSize, alignment, 1)',
    ],
  }),
  ...faultsIn('arenas/backing', ['from-raw', 'from-wasm', 'alignment'], {
    'only half of a backing that fits exactly is used': [
      'while (totalSize * 2 <= available)',
      'while (totalSize * 2 < available)',
    ],
    'a slot as large as the backing is refused': ['if (slotCapacity > available)', 'if (slotCapacity >= available)'],
    'the start of the backing is not aligned': ['alignUp(memory.byteOffset, alignment) - memory.byteOffset', '0'],
    'the bytes that alignment skips still count as available': [
      'Math.max(0, memory.byteLength - base)',
      'memory.byteLength',
    ],
    'the smallest block may be smaller than the alignment': ['minBlockSize = Math.max(minBlockSize, alignment);', ''],
    'a detached backing is accepted': ['if (memory.isGone)', 'if (false)'],
  }),
  ...faultsIn('memory/heap-memory', ['bytes-mut', 'spill'], {
    'growing does not fall back to the needed size': ['if (preferred === needed)', 'if (true)'],
  }),
  ...faultsIn('handles/spill-pool', ['spill-pool', 'spill'], {
    'a closed arena still keeps spilled memory': ['this.keeps = false;', ''],
    'an arena with the zero policy keeps spilled memory': ['this.keeps = keeps;', 'this.keeps = true;'],
    'memory that was transferred is reused': ['if (record.memory.isGone)\n                continue;', ''],
    'no spilled memory is kept': ['if (!this.keeps || this.keptBytes', 'if (true || this.keptBytes'],
    'kept memory is smaller than requested': ['32 - Math.clz32(preferred - 1)', '31 - Math.clz32(preferred - 1)'],
    'kept memory has no holder': ['record.holders = 1;', 'record.holders = 0;'],
    'kept memory starts at the offset of its last content': ['record.start = 0;', ''],
    'memory in use stays in the pool': ['let record = records?.pop();', 'let record = records?.at(-1);'],
  }),
  ...faultsIn(
    'engine/slot-engine',
    [
      'fixed-arena',
      'fixed-arena.property',
      'collector',
      'close',
      'init-policy',
      'metrics',
      'waiting-strategy',
      'leak-detection',
    ],
    {
      'a kept slot is not scrubbed': ['this.zeroes && record.dirtyEnd > record.offset', 'false'],
      'a closed arena keeps slots': ['if (this.isClosed)', 'if (false)'],
      'kept slots can be allocated after close()': [
        'while (this.shelf.count > 0)\n            this.retire(this.shelf.pop());',
        '',
      ],
      'a retired slot counts as in use': ['this.recorded--;\n        this.retired', 'this.retired'],
      'retired records can be collected': ['this.retired.push(record);', ''],
      'a reclaimed slot counts as in use': ['this.recorded--;\n        return', 'return'],
      'a release that keeps its slot wakes no waiter': ['this.afterRelease(0);', ';'],
      'slots come back unseen while somebody waits': [
        'super.onRelease(listener);\n        this.shelf.isDirect = this.mayBeDirect;',
        'super.onRelease(listener);',
      ],
      'slots come back unseen after close()': ['close() {\n        this.shelf.isDirect = false;', 'close() {'],
      'slots come and go past the safety nets': [
        'super.useHandles(handles);\n        this.shelf.isDirect = this.mayBeDirect;',
        'super.useHandles(handles);',
      ],
      'slots come back unscrubbed': [' && !this.zeroes', ''],
      'kept slots do not count as free for waiters': ['this.shelf.count > 0 ? 0 :', ''],
    },
  ),
  ...faultsIn('memory/memory', ['fill', 'from-wasm', 'moving-memory', 'init-policy', 'prefault', 'from-raw'], {
    'the data views do not follow memory that grew': [
      'this.fields = undefined;\n            this.wide = undefined;\n            this.words = undefined;\n            return this.window;',
      'return this.window;',
    ],
    'filling skips the bytes before the first whole word': ['for (let at = start; at < head; at++)', 'for (; false; )'],
    'filling skips the bytes after the last whole word': ['at < end; at++)', 'at < start; at++)'],
    'filling starts at the word before the range': ['(from + 7) >>> 3', 'from >>> 3'],
    'filling ends at the word boundary after the range': ['? to >>> 3', '? (to + 7) >>> 3'],
    'the rest of shrunk memory is not scrubbed': ['if (left > 0)', 'if (false)'],
  }),
  ...faultsIn('arenas/fixed-arena', ['fixed-arena', 'alignment', 'waiting'], {
    'a request of the whole slot capacity is refused': [
      'if (length > this.slotCapacity)',
      'if (length >= this.slotCapacity)',
    ],
    'an arena capacity is rounded down': [
      'Math.ceil(arenaCapacity / slotCount)',
      'Math.floor(arenaCapacity / slotCount)',
    ],
    'a slot is not aligned': ['const unit = alignUp(slotCapacity, alignment);', 'const unit = slotCapacity;'],
    'closing rejects no waiter': ['super.close();\n        this.line.close();', 'super.close();'],
  }),
  ...faultsIn('arenas/buddy-arena', ['buddy-arena', 'buddy-geometry', 'waiting', 'close'], {
    'the capacity is the whole block although the geometry caps it': [
      'return this.capsCapacity ? length :',
      'return false ? length :',
    ],
    'a request of exactly one block takes a block twice as large': [
      'Math.clz32((length - 1) / this.minBlockSize)',
      'Math.clz32(length / this.minBlockSize)',
    ],
    'a request larger than the arena is not refused': ['if (length > this.totalSize)', 'if (false)'],
    'closing rejects no waiter': ['super.close();\n        this.line.close();', 'super.close();'],
  }),
  ...faultsIn('blocks/reservation', ['reservation', 'waiting-buddy'], {
    'a block released into a reserved region is not kept': [
      'if (order < this.order && this.overlaps(block, order)) {',
      'if (false) {',
    ],
    'a region that came free at once does not count as whole': ['this.cameFreeAtOnce = true;', ''],
    'ending a reservation loses its first block': ['return this.kept.map(', 'return this.kept.slice(1).map('],
    'a region with pinned memory is set aside': ['overlap(region, order, obstacle.block, obstacle.order)', 'false'],
    'the first region is chosen instead of the one with the most free units': ['if (units <= most)', 'if (best >= 0)'],
    'each kept block counts as one unit': ['this.keptUnits += 1 << order;', 'this.keptUnits += 1;'],
  }),
  ...faultsIn(
    'waiting/wait-line',
    ['waiting', 'waiting-cancel', 'waiting-buddy', 'waiting-strategy', 'faults-aborts', 'close'],
    {
      'the line does not listen for releases': [
        'this.engine.onRelease(this.onRelease);\n            this.tellParked',
        'this.tellParked',
      ],
      'a waiter that left stays registered with the strategy': ['attempt(() => wait.registration?.revoke());', ''],
      'the timeout and the signal of a settled waiter stay active': ['attempt(() => wait.unlimit());', ''],
      'a timeout is not cleared': ['if (this.timer !== undefined)\n            environment.stopTimer(this.timer);', ''],
      'a signal keeps its callback': ['removeAbortCallback(this.signal, this.onAbort);', ''],
      'closing rejects no waiter': ["this.cancel(wait, this.engine.refusal('ARENA_CLOSED'));", ''],
      'closing does not count rejected requests as failed': [
        "this.engine.refusal('ARENA_CLOSED')",
        "new Error('ARENA_CLOSED')",
      ],
      'an aborted waiter gets memory': [
        'if (wait.signal?.aborted)\n                throw abortReason(wait.signal);',
        '',
      ],
      'no claim is tried after prepare()': [
        'if (this.waits.has(wait))\n            this.claimFor(wait);\n        if (!this.waits.has(wait))\n            attempt',
        'if (!this.waits.has(wait))\n            attempt',
      ],
      'a release during a wake-up is not reported to the strategy': [
        'this.untold.push(freedOrder);\n        if (this.isWaking)\n            return;',
        'if (this.isWaking)\n            return;\n        this.untold.push(freedOrder);',
      ],
      'a hint for a waiter that left is lost': [
        'this.wake(this.engine.largestFreeOrder());\n        else',
        ';\n        else',
      ],
      'a waiter that was woken in vain does not return to the line': [
        'else if (!this.claimFor(wait) && this.waits.has(wait))\n            this.enlist(wait);',
        'else\n            this.claimFor(wait);',
      ],
      'a cancelled waiter is not counted': ['this.count(WAITS_CANCELLED, 1);', ''],
      'a served waiter is not counted': ['this.count(WAITS_SERVED, 1);', ''],
      'a line without waiters is kept for ever': ['awaited.delete(this);', ''],
      'a line with waiters can be collected': ['awaited.add(this);', ''],
      'blocks reserved for a waiter that was served wake no other waiter': [
        'this.tellWoken(wait, true);\n        this.wakeAll(this.leave(wait));',
        'this.tellWoken(wait, true);\n        this.leave(wait);',
      ],
      'blocks reserved for a waiter that left wake no other waiter': [
        'this.tellWoken(wait, false);\n        this.wakeAll(this.leave(wait));',
        'this.tellWoken(wait, false);\n        this.leave(wait);',
      ],
      'a reservation that can never be whole is not ended': [
        'else if (this.engine.pinnedBlocks.some(',
        'else if (false && this.engine.pinnedBlocks.some(',
      ],
      'an expired reservation is made again at once': ['wait.mayReserveAt = environment.now() + lifetime;', ''],
      'the lifetime of a reservation does not double': ['Math.min(2 * lifetime, LONGEST_RESERVATION)', 'lifetime'],
      'a reservation that ended keeps its timer': [
        'this.reserved = undefined;\n        environment.stopTimer(timer);',
        'this.reserved = undefined;',
      ],
      'the engine keeps using a reservation that ended': ['this.engine.useBlocks(reservation.blocks);', ''],
      'a strategy that threw is never called again': ['finally {\n            this.isWaking = false;', 'finally {'],
      'the error of a strategy is lost': [
        'this.untold.length = 0;\n            throwLater(error);',
        'this.untold.length = 0;',
      ],
      'a request whose signal was already aborted waits': [
        'if (signal?.aborted)\n            throw abortReason(signal);\n        const record',
        'const record',
      ],
      'the line stops listening after the first waiter left': ['if (this.waits.size === 0) {', '{'],
    },
  ),
  ...faultsIn(
    'waiting/notify-waiters',
    ['notify-waiters', 'waiting', 'waiting-buddy', 'waiting-strategy', 'waiting.property'],
    {
      'removing the last waiter of a line loses the end of the line': [
        'if (next === undefined)\n            this.tail = previous;\n        else\n            next.previous = previous;',
        'if (next !== undefined)\n            next.previous = previous;',
      ],
      'the youngest waiter of a line goes first': [
        'entry.previous = this.tail;\n        if (this.tail === undefined)\n            this.head = entry;\n        else\n            this.tail.next = entry;\n        this.tail = entry;',
        'entry.next = this.head;\n        if (this.head === undefined)\n            this.tail = entry;\n        else\n            this.head.previous = entry;\n        this.head = entry;',
      ],
      'the youngest of several overdue waiters goes first': [
        'head.arrival < oldest.arrival',
        'head.arrival > oldest.arrival',
      ],
      'no waiter is ever overdue': [
        'oldest === undefined || isOverdue(oldest) ? oldest',
        'oldest === undefined ? oldest',
      ],
      'one size may win for ever': ['this.streak >= LONGEST_STREAK ? this.lastWinner : -1', '-1'],
      'smaller requests are preferred': ['- this.order * ORDER_BONUS', '+ this.order * ORDER_BONUS'],
      'the depth bonus of a line has no limit': [
        'Math.min(this.length * DEPTH_BONUS, LARGEST_DEPTH_BONUS)',
        '(this.length * DEPTH_BONUS)',
      ],
      'more waiters are woken than there is room for': ['room -= line.units;', ''],
      'a waiter that cannot be served blocks smaller ones': ['room = line.units - 1;', 'room = 0;'],
      'no region is reserved for an overdue waiter': [
        'this.countWin(line.order);\n        }\n        this.reserveForOldest();',
        'this.countWin(line.order);\n        }',
      ],
      'a revoked waiter stays in line': [
        'this.line.remove(this);\n        this.inLine = false;',
        'this.inLine = false;',
      ],
    },
  ),
  ...faultsIn('engine/isolated-engine', ['isolated'], {
    'a slot is lost when its buffer cannot be allocated': [
      'this.blocks.release(slot, order);\n            this.count',
      'this.count',
    ],
    'an allocation without a buffer does not count as failed': ["this.countFailure('ARENA_FULL', this.unit);", ''],
    'the arena keeps a reference to a record in use': ['this.records[slot] = undefined;', ''],
    'collecting a replaced buffer frees its slot': [
      'if (gone !== undefined)\n            this.registry.unregister(gone.trace);',
      '',
    ],
    'a detached buffer is reused': ['kept === undefined || kept.memory.isGone', 'kept === undefined'],
    'touchPages() does not return the slots': ['this.blocks.release(record.trace.block, 0);', ''],
    'a leak that was lent is pinned': ['lend() { }', ''],
    'the start offset of the last owner stays': ['record.start = 0;', ''],
    'a slot is registered without an unregister token': ['register(buffer, trace, trace)', 'register(buffer, trace)'],
  }),
  ...faultsIn('nets/leak-watch', ['leak-detection', 'testing', 'collector', 'guarded'], {
    'a returned allocation stays open': ['this.openings.delete(opening);', ''],
    'an allocation that departed stays open': ['departed(record) {\n        this.end(record);', 'departed(record) {'],
    'a release does not close the allocation': ['release(record) {\n        this.end(record);', 'release(record) {'],
    'a pinned allocation is no longer listed': ['if (trace.lent)\n            this.pinned.add(opening);', ''],
    'a returned allocation that was lent counts as pinned': ['record.trace.lent = false;', ''],
    'lost allocations are not recorded': ['lost.push(opening) >', 'lost.length >'],
    'a watch with nothing open is kept for ever': [
      'if (this.openings.size === 0)\n            watching.delete(this);',
      '',
    ],
    'a watch with something open can be collected': ['watching.add(this);', ''],
    'openAllocations(after) skips the first later allocation': ['number > after', 'number > after + 1'],
    'no sample is ever taken': ['if (--this.untilSample > 0)', 'if (true)'],
    'every allocation is a sample': ['if (--this.untilSample > 0)', 'if (false)'],
    'a leak does not tell that it was lent': ['opening.isLent ||= trace.lent;', ''],
    'an open allocation does not tell that it is pinned': ['opening.isPinned = trace.lent;', ''],
  }),
  ...faultsIn('engine/leaks', ['leak-detection', 'collector', 'testing'], {
    'the error of a listener is lost': ['throwLater(error);', ''],
    'a site is warned about every time': ['warned.add(what);', ''],
    'an arena warns about unknown leaks every time': ['this.hasWarnedOfUnknown = true;', ''],
    'the sites with the fewest bytes come first': ['other.bytes - one.bytes', 'one.bytes - other.bytes'],
    'a site does not show its oldest allocation': ['age > known.oldest', 'age < known.oldest'],
    'a reclaimed leak is warned about as pinned': ["pinned ? PINNED_CODE : 'ARENA_LEAK'", 'PINNED_CODE'],
    'reclaimed leaks without a site cause a warning': [
      'if (!pinned || this.hasWarnedOfUnknown)',
      'if (this.hasWarnedOfUnknown)',
    ],
  }),
  ...faultsIn('base/site', ['leak-detection', 'guarded'], {
    'the site of an allocation is a place in the library': ['frames.findIndex((frame) => !isOwn(frame))', '0'],
    'the site is the caller of the function that allocates': [
      'shown.find((frame) =>',
      'shown.slice(1).find((frame) =>',
    ],
    'the changed limit of stack traces stays': ['setStackTraceLimit(limit);', ''],
  }),
  ...faultsIn('nets/guard', ['guarded', 'guarded-shared'], {
    'a slot is lost when its guarded memory cannot be allocated': ['record.owner.release(record);', ''],
    'received bytes are not copied into guarded memory': ['guarded.memory.bytes.set(arrived, start);', ''],
    'a double release is not reported': [
      "this.report('ARENA_DOUBLE_RELEASE'",
      "(() => undefined)('ARENA_DOUBLE_RELEASE'",
    ],
    'a violation is not recorded': ['this.violations.push(message);', ''],
    'the quarantine is not inspected': ['this.quarantine.inspect();', ''],
    'a guarded allocation is not watched for leaks': ['this.watch.open(record, site);', ''],
  }),
  ...faultsIn('nets/guard-owner', ['guarded', 'guarded-shared'], {
    'memory is not detached': ['if (isLent && !memory.isGone)', 'if (false)'],
    'frozen bytes are not compared at their release': ['if (change !== undefined)\n            throw change;', ''],
    'a changed byte throws before the memory is returned': [
      'this.detach(record, record.memory);\n        record.inner.owner.release(record.inner);',
      'if (change !== undefined) throw change;\n        this.detach(record, record.memory);\n        record.inner.owner.release(record.inner);',
    ],
    'bytes are not published for a message': [
      'record.publish(offset, length);\n        return parcel;',
      'return parcel;',
    ],
    'bytes are not published for a ticket': [
      'record.publish(offset, length);\n            return ticket;',
      'return ticket;',
    ],
    'frozen bytes are not compared before a message': ['record.check();\n        const parcel', 'const parcel'],
    'frozen bytes are not compared before a ticket': ['record.check();\n        inner.holders', 'inner.holders'],
    'a ticket takes the hold that other handles need': ['inner.holders = record.holders;', ''],
    'the holder count set for a ticket is not restored': ['inner.holders = 1;', ''],
    'a clone does not count for isUnique': ['return allocation.holders === 1 && inner', 'return inner'],
    'other threads do not count for isUnique': [
      'allocation.holders === 1 && inner.owner.isSoleHolder(inner)',
      'allocation.holders === 1',
    ],
    'a view stays valid after tryIntoMut()': [
      'this.detach(record, memory);\n        return writable;',
      'return writable;',
    ],
    'memory that departs is not detached': [
      'this.detach(record, record.memory);\n        record.inner.owner.departed',
      'record.inner.owner.departed',
    ],
  }),
  ...faultsIn('nets/guarded-record', ['guarded', 'guarded-shared'], {
    'the changed byte is only looked for at the start': ['frozen.findIndex(', 'frozen.subarray(0, 1).findIndex('],
    'published bytes are not recorded as written': [
      'inner.dirtyEnd = Math.max(inner.dirtyEnd, inner.offset + end);',
      '',
    ],
    'bytes published before a thaw still count as published': ['this.publishedEnd = this.publishedStart;', ''],
    'a changed byte is reported twice': ['this.wasTold = true;', ''],
    'unwritten memory is zero without the zero policy': ['if (!zeroes)', 'if (false)'],
    'unwritten memory is not zero under the zero policy': ['if (!zeroes)', 'if (true)'],
    'publishing a part counts for all bytes': [
      'if (offset >= this.publishedStart && end <= this.publishedEnd)',
      'if (offset >= this.publishedStart && this.publishedEnd > 0)',
    ],
    'frozen bytes are not compared at a thaw': ['thaw() {\n        this.check();', 'thaw() {'],
  }),
  ...faultsIn('nets/guarded-handles', ['guarded'], {
    'a double release is not noticed': ['if (isUsedUp && this.wasReleased)', 'if (false)'],
    'releasing a converted handle counts as a double release': [
      'converted() {\n        this.wasReleased = false;',
      'converted() {',
    ],
    'releasing a frozen handle counts as a double release': ['if (isUsedUp && this.wasReleased)', 'if (isUsedUp)'],
    'a clone is not guarded': ['return this.guarded(super.clone());', 'return super.clone();'],
    'a tail is not guarded': ['return this.guarded(super.splitOff(at));', 'return super.splitOff(at);'],
    'a frozen region is not compared': [
      'return GuardedBytes.frozen(record, start, end - start, this.history.guard);',
      'return bytes;',
    ],
    'an adapter throws the error of a handle that it releases': ['throwLater(error);', 'throw error;'],
    'the error of a handle that an adapter releases is lost': ['throwLater(error);', ''],
  }),
  ...faultsIn('nets/quarantine', ['guarded'], {
    'quarantined memory is not kept': ['keeper.register(buffer, retired);', ''],
    'quarantined memory is not inspected': ['reference.deref()?.inspect();', ''],
    'a write is reported every time': ['this.bytes.fill(RETIRED);', ''],
    'a buffer that cannot be detached is not reported': ['this.onFailure(allocated);\n            return;', ''],
    'a copy counts as detached': ['return buffer.byteLength === 0 ? moved : buffer;', 'return moved;'],
    'only the first byte is inspected': [
      'isFilled(this.bytes, RETIRED)',
      'isFilled(this.bytes.subarray(0, 1), RETIRED)',
    ],
  }),
  ...faultsIn('testing/index', ['testing'], {
    'the check does not wait for late releases': ['waited < patience', 'waited < 0'],
    'a leaky test does not fail': [
      'if (problems.length > 0)\n            throw new UnreleasedError(problems);\n    });',
      '});',
    ],
    'a forgotten allocation does not fail the test': ['lost.length > 0', 'false'],
    'a pinned allocation counts as open': ['.filter(({ pinned }) => !pinned)', ''],
    "every test fails because of one test's violation": ['.slice(this.violations.get(handles) ?? 0)', ''],
    'every test fails because one test left an allocation open': [
      'handles.openAllocations(this.newest)',
      'handles.openAllocations()',
    ],
    'assertAllReleased() counts pinned allocations as open': [
      'allocationsOk - frees - leaksPinned',
      'allocationsOk - frees',
    ],
    'every test fails because one test forgot a handle': ['lostSince(this.newest)', 'lostSince(0)'],
    'assertAllReleased() ignores leaks that the collector found': ['if (forgotten > 0)', 'if (false)'],
  }),
  ...faultsIn('base/abort-signals', ['waiting-cancel', 'faults-aborts', 'node-pipe'], {
    'a signal keeps its listener': [
      "callbacks.size === 0)\n        signal.removeEventListener('abort', runCallbacks);",
      'false)\n        ;',
    ],
    'only the first callback is called': [
      'for (const callback of callbacks)\n        callback();',
      'for (const callback of callbacks) {\n        callback();\n        break;\n    }',
    ],
  }),
  ...faultsIn('waiting/pending-call', ['bytes-channel', 'faults-aborts'], {
    'a timeout is not cleared': ['if (this.timer !== undefined)\n            environment.stopTimer(this.timer);', ''],
    'a signal keeps its callback': ['removeAbortCallback(this.signal, this.onAbort);', ';'],
    'a settled call stays in line': ['this.onSettled();', ''],
  }),
  ...faultsIn('shared/messages', ['bytes-channel', 'shared-arena', 'shared-recovery'], {
    'a ticket can be redeemed twice': [
      'if (compareExchange(this.words, at, state, (state + 1) | 0) !== state)',
      'if (this.words[at] !== state)',
    ],
    'a message is not counted as a holder': ['if (!takesHold)\n            this.holdings.share(block);', ''],
    'a message that takes over a hold does not subtract it': ['holds[block] = holds[block] - 1;', ''],
    'a received block is not held': ['holds[block] = holds[block] + 1;', ''],
    'a ticket that was never issued can be redeemed': ['(state & 1) === 0 ||', ''],
    'a ticket with an invalid message number can be redeemed': ['number < 0 || number >= MAX_MESSAGES ||', ''],
    'a message that could not be sent keeps its number': [
      'this.numbers.release(number, 0);\n        if (block >= 0 && !tookHold)',
      'if (block >= 0 && !tookHold)',
    ],
    'a message that could not be sent keeps its hold': [
      'if (block >= 0 && !tookHold)\n            this.holdings.dropAll(block);',
      '',
    ],
    'a message that was read keeps its number': [
      'this.numbers.release(number, 0);\n        return delivery;',
      'return delivery;',
    ],
    'a discarded message keeps its block': ['if (counted && block >= 0)', 'if (false)'],
    'a ticket does not record its issuer': ['words[at + ISSUER] = lane.number + 1;', ''],
    'a thread does not record that it issued tickets': ['journal[ISSUED] = 1;', ''],
  }),
  ...faultsIn('shared/recovery', ['shared-recovery', 'shared-arena', 'shared-resting', 'interleavings'], {
    'the words of a dead thread stay open': ['blocks.closeResting();', ''],
    'tickets are not revoked': ['this.tools.messages.revoke(dead.number);', ''],
    'the holds of a dead thread are moved but not returned': ['holdings.dropAll(block);', ''],
    'requests are not withdrawn': ['requests.withdraw(cell);', ''],
    "the hold of a dead thread's message is ignored": ['lane.words[COUNTED] = counted;', ''],
    'the operation of a dead thread stays under way for ever': [
      'dead.words[EPOCH] = (dead.words[EPOCH] + 1) & ~1;',
      '',
    ],
    'only the first unit of an owned block is returned': [
      'blocks.release(owned - 1, order);',
      'blocks.release(owned - 1, 0);',
    ],
    'the lane of a dead thread never becomes free': ['store(control.words, dead.start + STATE, LANE_FREE);', ''],
    'the pinned leaks of a dead thread stay counted': ['dead.counters[LEAKS_PINNED] = 0;', ''],
    'returned holds are not counted': ['this.held++;', ''],
    'a reclaim wakes no thread': ['control.wakeAll();', ''],
    'a reclaim serves no request': ['store(control.words, WAITING, 1);\n        requests.serve();', ''],
    'a reclaim that a dead thread began is not finished': ['if (dead.words[RECLAIMING] !== 0)', 'if (false)'],
  }),
  ...faultsIn('shared/holdings', ['zero-policy-threads', 'shared-arena'], {
    'a drop does not scrub': ['if (this.scrubbed !== undefined && dirty > 0)', 'if (false)'],
    'a drop is not counted': ['counters[FREES] = counters[FREES] + 1;', ''],
    'a dropped block is still held': ['holds[block] = 0;', ''],
    'dropAll() scrubs only the first unit': ['this.unit * (1 << order)', 'this.unit'],
  }),
  ...faultsIn(
    'shared/engine',
    [
      'shared-arena',
      'shared-waiting',
      'shared-resting',
      'bytes-channel',
      'shared-recovery',
      'collector',
      'interleavings',
    ],
    {
      'bytes from another thread count as not written': ['record.dirtyEnd = record.limit;', ''],
      'a record that departs still counts as lent': [
        'record.trace.lent = false;\n        this.keepRecord(record);',
        'this.keepRecord(record);',
      ],
      'the record of a departed block is not reused': [
        'record.trace.lent = false;\n        this.keepRecord(record);',
        'record.trace.lent = false;',
      ],
      'a released record still counts as lent': ['trace.lent = false;\n        const freedOrder', 'const freedOrder'],
      'a thread that left still counts in its former lane': ['this.counters = new Float64Array(LANE_COUNTERS);', ''],
      'a thread that left still answers for its tickets': ['this.tools.messages.disown();', ''],
      'a released block is not handed on in the same call': ['this.takeIn();', ''],
      'other threads do not count for isUnique': [
        'record.holders === 1 && this.holdings.isSole(record.trace.block)',
        'record.holders === 1',
      ],
      'closing wakes no thread': [
        'store(this.tools.control.words, CLOSED, 1);\n        this.tools.control.wakeAll();',
        'store(this.tools.control.words, CLOSED, 1);',
      ],
      'closing is not visible to other threads': ['store(this.tools.control.words, CLOSED, 1);', ''],
      'metrics() does not coalesce resting blocks': ['if (!this.hasLeft)\n            this.settle();', ''],
      'a thread that left coalesces the words of other threads': ['if (!this.hasLeft)', 'if (true)'],
      'a thread that leaves keeps its words open': [
        'this.settle();\n        this.hasLeft = true;',
        'this.hasLeft = true;',
      ],
      'a ticket takes a hold that others need': [
        'record.holders === 1);\n        return Object.freeze',
        'true);\n        return Object.freeze',
      ],
      'a block that no waiter takes is lost': ['if (block >= 0)\n            this.giveUp(block);', ''],
      'a failed claim is not counted': ["this.countFailure('ARENA_FULL', capacity);", ';'],
      'a thread leaves its lane while it holds blocks': [
        'if (!lane.holds.every((count) => count === 0))',
        'if (false)',
      ],
    },
  ),
  ...faultsIn('shared/thread', ['shared-arena', 'shared-waiting', 'bytes-channel', 'shared-recovery'], {
    'a thread that attaches again finds its detached arena': ['attached.delete(this.control.id);', ''],
    'detaching does not end the waits of the thread': ['endWaits();', ''],
    'a ticket of another arena is redeemed': ['if (arena !== this.control.id)', 'if (false)'],
    'there are more threads than the arena was built for': ['number < plan.maxThreads', 'number <= plan.maxThreads'],
    'a thread can reclaim itself': ['if (threadId === this.threadId)', 'if (false)'],
    'nothing is reclaimed after the exit of a worker': [
      'if (environment.exitMeansDeath)\n                this.reclaim(threadId);',
      'if (environment.exitMeansDeath)\n                ;',
    ],
    'a detached arena can still be used': ["throw new AllocError('ARENA_CLOSED');", ';'],
  }),
  ...faultsIn('shared/waiting', ['shared-waiting', 'interleavings'], {
    'a block handed over too late is lost': ['for (const block of late)\n            this.engine.giveUp(block);', ''],
    'closing in another thread ends no wait': ['if (this.engine.closed)\n            this.line.close();', ''],
    'a block handed over besides the claimed one is lost': ['if (late >= 0)\n                engine.giveUp(late);', ''],
    'no request is made for the smallest waiter': ['smallest < oldest ? smallest : -1', '-1'],
    'a block handed over at the last moment is not used': ['if (found === undefined && late >= 0)', 'if (false)'],
    'the thread keeps listening after its last waiter left': ['this.sleeper.remove(this.look);', ';'],
  }),
  ...faultsIn('shared/requests', ['shared-waiting', 'interleavings'], {
    'the youngest request is served first': ['((since - arrival) | 0) > 0', '((since - arrival) | 0) < 0'],
    'a block of another order is handed over': ['orderIn(state) === order && this.grant', 'this.grant'],
    'a thread that was handed a block is not woken': ['this.control.wake(this.control.laneOf(at));', ''],
    'a block that was handed over is not held': ['this.lane.holds[block] = 1;', ''],
    'a block that was handed over is not counted': ['counters[ALLOCATIONS_OK] = counters[ALLOCATIONS_OK] + 1;', ''],
    'a block for a request that was withdrawn is lost': [
      'else if (!this.grant(at, state, block, order)) {\n                blocks.release(block, order);',
      'else if (!this.grant(at, state, block, order)) {',
    ],
  }),
  ...faultsIn('shared/tree', ['shared-arena'], {
    'a slot beyond the last one is free': ['if (last % 32 !== 0)', 'if (false)'],
  }),
  ...faultsIn('shared/blocks', ['shared-arena', 'shared-waiting', 'shared-resting', 'interleavings'], {
    'a release does not raise the hint': ['if (rank > rankOf(before, longest))', 'if (false)'],
    'the release of a slot does not raise the hint': [
      'if (word === 0)\n                    this.hints[0].raise(index, 1);',
      '',
    ],
    'the hint for the rest of a split is not raised': [
      'this.hints[number].raise(index, rankOf(rest, level.longest));',
      '',
    ],
    'the rest of a split is lost': ['store(words, level.start + index, rest);', ''],
    'a split is not counted': [
      'counters[counted.splits] = counters[counted.splits] + splits;\n            this.hints',
      'this.hints',
    ],
    'a search does not wrap around to the words before the last find': [
      'behind >= 0 || own === 0 ? behind',
      'true ? behind',
    ],
    'a full word that is no longer claimed from stays open': ['(rests && this.mayRest(number, index, run))', 'rests'],
    'a thread never moves on to the word that it opened': ['this.opened[number] !== index ||', 'true ||'],
    'a word rests although a request waits': ['this.words[this.waiting] === 0', 'true'],
    'resting words are not closed when a claim finds nothing': [
      'this.closeResting();\n            const block',
      'const block',
    ],
    'resting words are not closed for a waiting request': ['block < 0 && this.closeResting()', 'false'],
    'coalesces by closing a word are not counted': [
      'counters[counted.coalesces] + merged;',
      'counters[counted.coalesces];',
    ],
    'closing a word does not count as new free memory': ['if (found)\n            this.revealed = true;', ''],
    'the word that a split opened is not claimed from': [
      'if (words[level.start + current[number]] === 0)\n                current[number] = index;',
      '',
    ],

    "threads claim from each other's words while there is other memory": [
      'avoids && this.lanes.isOthers(number, index)',
      'false',
    ],
    'a block in a word of another thread is not found': ['block < 0 && this.avoided ?', 'false ?'],
  }),
  ...faultsIn('channel/ring', ['ring', 'bytes-channel', 'shared-recovery'], {
    'a full ring takes one more message': [
      'return length >= this.capacity && length < FAR;',
      'return length > this.capacity && length < FAR;',
    ],
    'a ring is full one message too early': [
      'return length >= this.capacity && length < FAR;',
      'return length + 1 >= this.capacity && length < FAR;',
    ],
    'hasRoom is true for a full ring': [
      'this.oldHead) & POSITIONS) < this.capacity)',
      'this.oldHead) & POSITIONS) <= this.capacity)',
    ],
    'a receiver does not see the end': [
      'if (held === END)\n                    return RING_ENDED;',
      'if (held === END)\n                    return RING_EMPTY;',
    ],
    'a sender still owns the message that it sent': [
      'journal[MESSAGE] = 0;\n                    journal[COUNTED] = 0;',
      '',
    ],
    'a ring that ended takes more messages': ['if (cell === (free | END))\n                return false;', ''],
    'a received message does not count as holding its block': ['journal[COUNTED] = 1;', ''],
  }),
  ...faultsIn('channel/lane-set', ['bytes-channel'], {
    'threads in lanes from number 32 on are not woken': ['(word << 5) + 31 - Math.clz32', '31 - Math.clz32'],
  }),
  ...faultsIn('channel/peers', ['channel-abandoned'], {
    'a thread that detached still counts as there': ['store(words, start + lane.number, LEFT)', 'undefined'],
    'a thread that died counts as one that detached': ["state === LEFT ? 'left' : 'died'", "'left'"],
    'a channel that nobody else attached counts as abandoned': ["let presence = 'some'", "let presence = 'left'"],
  }),
  ...faultsIn('waiting/stall-watch', ['stall'], {
    'a stall is reported although memory comes back': ['frees > this.freesBefore || ', ''],
    'a stall is reported more than once': ['this.hasWarned = true;', ''],
    'a request that began late is reported early': [' || age < this.after', ''],
  }),
  ...faultsIn('channel/bytes-channel', ['bytes-channel', 'channel-abandoned', 'worker-pool'], {
    'a sender that waits for room is not woken': [
      'this.senders.wakeAll();\n        return this.thread',
      'return this.thread',
    ],
    'a receiver that waits for a message is not woken': [
      'this.receivers.wakeAll();\n        return true;',
      'return true;',
    ],
    'a message that could not be sent is not taken back': ['tools.messages.unwrite(message, delivery, takesHold);', ''],
    'closing wakes no receiver': ['this.ring.end();\n        this.receivers.wakeAll();', 'this.ring.end();'],
    'closing wakes no sender': ['this.senders.wakeAll();\n        this.lookAgain();', 'this.lookAgain();'],
    'a sender overtakes waiting senders': [
      'if (this.sending.size === 0 && this.trySend(bytes))',
      'if (this.trySend(bytes))',
    ],
    'a receiver overtakes waiting receivers': ['if (this.receiving.size === 0) {', '{'],
    'the thread keeps listening after its last call settled': ['this.thread.sleeper.remove(this.look);', ';'],
    'bytes of another arena are sent': ['if (delivery.engine !== engine)', 'if (false)'],
    'a message takes a hold that others need': ['length > 0 && allocation.holders === 1;', 'length > 0;'],
    'sending empty bytes does not use up the handle': ['Bytes.giveBack(bytes);', ';'],
    'sending does not use up the handle': ['Bytes.depart(bytes);', ';'],
    'a closed channel does not refuse to send': ['if (this.isClosed)\n            throw new ChannelClosedError();', ''],
  }),
  ...faultsIn(
    'node/send',
    ['node-write', 'node-pipe', 'faults-streams', 'faults-consumers', 'faults-closing', 'outbox-failures'],
    {
      'memory is released before the stream is done with it': [
        'writes.add(this);',
        'writes.add(this);\n        frame.release();',
      ],
      'bytes that cannot be written are not released': ['frame?.release();\n        onDone(error);', 'onDone(error);'],
      'bytes that were written are not released': ['this.frame.release();', ''],
      'a stream stays corked': ['writable.uncork?.();', ';'],
      'a stream that throws in uncork() is left open': [
        'writable.destroy(error); // its callbacks',
        '// its callbacks',
      ],
      'a closed stream accepts more writes': ['checkOpen(writable);\n        sending', 'sending'],
      'an empty write never ends': [
        'if (this.missing === 0)\n            this.finish(undefined);\n        const',
        'const',
      ],
      'a write is over after its first piece': ['if (--this.missing === 0)', 'if (--this.missing >= 0)'],
    },
  ),
  ...faultsIn(
    'node/stream-writes',
    ['node-write', 'node-pipe', 'faults-streams', 'faults-consumers', 'faults-closing', 'outbox-failures'],
    {
      'http/2 without TLS is lent arena memory': [' || (session !== undefined && !session.encrypted)', ''],
      'a pipelined response waits for ever': ['whenConnectionCloses(writable, onClose);', ''],
      'an error of a stream with an outbox is uncaught': [' || this.watchers.size > 0', ''],
      'a PassThrough gets arena memory instead of a copy': ['writable instanceof PassThrough', 'false'],
      'closing a stream does not end its writes': [
        'session.destroyed)\n                this.closed();',
        'session.destroyed)\n                ;',
      ],
      'memory that an http/2 session still reads is released': ['session === undefined || session.destroyed', 'true'],
      'an error that no listener handled is lost': ['throw error;\n', ';\n'],
      'a write to a destroyed socket counts as done': [
        'isClosed(writable) || writable.socket?.destroyed === true',
        'writable.destroyed',
      ],
    },
  ),
  ...faultsIn('node/write-bytes', ['node-write'], {
    'the rest of a partial write goes to the same position': ['at += bytesWritten;', ';'],
    'the written part of a piece is written again': ['if (done > 0 && rest[0] !== undefined)', 'if (false)'],
    'a position is accepted for a stream': [
      'if (position !== undefined)\n                throw',
      'if (false)\n                throw',
    ],
  }),
  ...faultsIn(
    'node/pipe-bytes',
    ['node-pipe', 'faults-streams', 'faults-consumers', 'faults-aborts', 'faults-closing'],
    {
      'a pipe does not wait for the drain event': ['if (needsDrain(writable))', 'if (false)'],
      'a chunk that arrives after a failure is not released': ['else\n            giveBack(value);', ''],
      'a failed pipe waits for a source that never answers': [
        'this.isStopping = !this.isAsking;',
        'this.isStopping = true;',
      ],
      'return() of the source is not called': ['await this.source.return?.();', ''],
      'a pipe ends before its writes': ['if (this.underWay > 0)', 'if (false)'],
      'a signal keeps its callback': [
        'finally {\n        if (signal !== undefined)\n            removeAbortCallback(signal, onAbort);',
        'finally {',
      ],
      'a failed pipe leaves its stream open': ['writable.destroy(reason instanceof Error ? reason : undefined);', ''],
      'a pipe ends its stream although end is false': ['if (this.ends)', 'if (true)'],
      'a pipe does not stop watching its stream': ['this.stopWatching();', ''],
      'an abort is ignored': ['addAbortCallback(signal, onAbort);', ';'],
    },
  ),
  ...faultsIn('handles/foreign-owner', ['bytes-from-owner'], {
    'the owner of memory is told twice': ['forgotten.unregister(allocation.trace);', ''],
    'the owner of forgotten memory is not told': ['forgotten.register(allocation, { trace, onRelease }, trace);', ''],
    'memory whose view was lent goes back': ['if (!trace.lent)', 'if (true)'],
  }),
  ...faultsIn('handles/read-through', ['parse-buffer'], {
    'a reader drops nothing': ['this.advance(before - window.length);', ''],
    'a reader sees too few bytes': ['Number(bits) / 8', 'Number(bits) / 16'],
    'a varint has at most nine bytes': ['LONGEST_VARINT = 10', 'LONGEST_VARINT = 9'],
  }),
  ...faultsIn('engine/events', ['events'], {
    'a listener that left still hears': ['this.listeners.delete(entry)', 'undefined'],
    'an error of a listener stops the others': ['throwLater(error)', '(() => { throw error; })()'],
  }),
  ...faultsIn('node/outbox', ['outbox', 'outbox-group', 'outbox-failures'], {
    'a batch has one frame more than allowed': ['count === maxBatchFrames', 'count === maxBatchFrames + 1'],
    'a batch may have any size': ['count > 0 && bytes + length > maxBatchBytes', 'false'],
    'a call overtakes those that wait': ['this.isEnding || this.waiting.length > 0)', 'this.isEnding)'],
    'drained() does not know what the group has': ['drained() {\n        this.onUse();', 'drained() {'],
    'flush() does not know what the group has': ['flush() {\n        this.onUse();', 'flush() {'],
    'metrics() do not know what the group has': ['metrics() {\n        this.onUse();', 'metrics() {'],
    'send() overtakes the group': ['this.onUse();\n            const frame', 'const frame'],
    'trySend() overtakes the group': ['this.onUse();\n        this.checkOpen();', 'this.checkOpen();'],
    'a slow receiver gets every second frame': ["!(this.isSlow && this.limits.whenSlow === 'skip') && ", ''],
    'trySend() overtakes calls that wait': ['this.waiting.length > 0 || !this.hasRoom', '!this.hasRoom'],
    'the limit of frames is one higher': ['this.frames < maxFrames', 'this.frames <= maxFrames'],
    'the limit of bytes does not count': ['this.bytes + length <= maxBytes', 'true'],
    'a slow receiver has caught up when there is room': [
      'if (this.frames === 0)\n                this.isSlow = false;',
      'this.isSlow = false;',
    ],
    'a slow receiver is never sent to again': ['if (this.frames === 0)\n                this.isSlow = false;', ''],
    'patience ends though something was taken': ['this.lastTaken + this.limits.patience - environment.now()', '0'],
    'a long turn uses patience up': [
      'if (this.batch === undefined)\n            this.lastTaken = environment.now();',
      '',
    ],
    'a frame that was skipped after a wait is lost': [
      'settle(hasRoom || this.decide(frame));\n            frame.release();',
      'settle(hasRoom || this.decide(frame));',
    ],
    'frames are dropped for one that does not fit': ['this.fitsBesideBatch(frame)', 'true'],
    'dropped frames are lost': ['this.forget(this.queue.shift());', 'this.queue.shift();'],
    'nobody looks after a queue': ["if (whenSlow === 'close' || whenSlow === 'dropOldest')", 'if (false)'],
    'queued frames of a stream that failed are lost': [
      'for (const frame of this.queue.splice(0))\n            this.forget(frame);',
      '',
    ],
    'waiting frames of a stream that failed are lost': ['frame.release();\n            fail(reason);', 'fail(reason);'],
    'calls that wait for a stream that failed never settle': ['fail(reason);\n', ';\n'],
    'an outbox takes frames after end()': [
      'this.isRetired || this.ending !== undefined || this.writable.writableEnded',
      'this.isRetired || this.writable.writableEnded',
    ],
    'an outbox takes frames after its stream was ended': [
      'this.ending !== undefined || this.writable.writableEnded',
      'this.ending !== undefined',
    ],
    'frames sent are not released': ['run.release();', ';'],
    'bytes sent stay counted': ['this.bytes -= run.byteLength;', ';'],
    'the timer of patience runs on after the last wait': [
      'if (this.waiting.length === 0)\n            this.stopPatience();',
      '',
    ],
    'a stream that is closed already is waited for': ['if (isClosed(writable))', 'if (false)'],
    'a stream that ended well has failed': ['if (hasEnded)\n            this.onGone();\n        else', ''],
    'an outbox that left its group is not told of its stream': ['this.writes.watch(this.watcher); // it', '// it'],
    'deleting a stream leaves calls waiting': ['settle(false);', ';'],
    'flush() is a recursion': ['if (this.isFlushing)', 'if (false)'],
  }),
  ...faultsIn('node/batch', ['outbox', 'outbox-group'], {
    'the memory of a batch is given back at its first callback': ['if (--this.missing === 0)', 'if (true)'],
  }),
  ...faultsIn('node/frame-run', ['outbox', 'outbox-group'], {
    'frames that do not lie side by side are one view': ['piece.start !== end || ', ''],
    'frames in different memory are one view': [' || piece.memory !== first.memory', ''],
    'a view over several frames loses their end': ['end - first.start)', 'first.end - first.start)'],
    'large pieces are joined': ['this.byteLength > views.length * JOINED_PIECES', 'false'],
    'small pieces are not joined': ['views.length < 2 || this', 'true || this'],
    'each stream joins for itself': ['if (known?.has(frames))', 'if (false)'],
    'runs of the same length are the same': ['own[index] !== frames[index]', 'false'],
    'frames count twice in a run that is known': [
      'for (const frame of frames)\n                frame.release();\n            known',
      'known',
    ],
    'a run is released by its first stream': ['if (--this.holders > 0)', 'if (false)'],
    'joined frames are held': ['this.releaseFrames(); // a', '// a'],
    'joined frames are released twice': ['if (this.holdsFrames)', 'if (true)'],
  }),
  ...faultsIn('node/group-turn', ['outbox-group'], {
    'the room in frames is not kept': ['this.frames.length < this.frameRoom', 'true'],
    'the room in bytes is not kept': ['this.byteLength + length <= this.byteRoom', 'true'],
    'the frames of a turn stay counted': ['for (const frame of this.frames)\n            frame.release();', ''],
  }),
  ...faultsIn('node/outbox-group', ['outbox-group', 'outbox-failures'], {
    'a stream that failed stays in its group': ['outbox.onGone = shortLived(() => void this.delete(writable));', ''],
    'a stream that is closed enters the group': ['if (isClosed(writable))', 'if (false)'],
    'the counters of streams that left are lost': ['this.left[name] += metrics[name]', 'void metrics[name]'],
    'those that leave are not counted': [', ...this.leaving', ''],
    'frames that no stream takes are held': ['if (turn.members.length === 0)', 'if (false)'],
    'a stream that comes later gets what was sent before': ['this.endTurn();\n        if (isClosed', 'if (isClosed'],
    'what is done with one outbox overtakes its group': ['outbox.onUse = this.endTurn;', ';'],
    'a turn is not written': ['member.writeQueue();', ';'],
    'a turn that ends early is not written': ['member.flushSoon();', ';'],
    'a stream that fails makes the call fail': ['.catch(() => false)', ''],
  }),
  ...faultsIn('node/frame', ['outbox', 'outbox-group', 'node-write', 'node-pipe'], {
    "the caller's handle is not released": ['giveBack(bytes);\n    return own;', 'return own;'],
    'memory that may move is lent to the stream': ['mayMove(own) ? [own.toUint8Array()] : ', ''],
    'memory is not released at the end': ['giveBack(this.bytes);', ';'],
    'a frame is released by its first receiver': ['if (--this.holders === 0)', 'if (true)'],
  }),
  ...faultsIn('streams/delimited', ['framing', 'framing-options', 'framing-small-arenas'], {
    'the carriage return counts in the length of a line': ['(isLines ? 1 : 0)', '0'],
    'a part of a delimiter counts in the length of a record': ['+ delimiter.length - 1;', ';'],
    'a record may be one byte too long': [
      'if (record.length <= this.maxLength)',
      'if (record.length <= this.maxLength + 1)',
    ],
    'a record that is too long is not released': ['giveBack(record);\n        if (this.skips)', 'if (this.skips)'],
    'a skipped record is not released': ['giveBack(record);\n            return undefined;', 'return undefined;'],
    'a line keeps its carriage return': ['line : shortened(line, last)', 'line : line'],
    'the last record is lost': ['this.partial.isEmpty || this.isSkipping', 'true'],
    'the end of a skipped record arrives': ['this.partial.isEmpty || this.isSkipping', 'this.partial.isEmpty'],
    'a line without an end is gathered without limit': ['length <= this.mostOpen', 'true'],
    'a delimiter that straddles chunks is not seen': ['delimiter.length > 1 && !this.partial.isEmpty', 'false'],
    'a skipped record hides the delimiter that straddles its end': ['this.partial.append(Bytes.wrap(tail));', ''],
  }),
  ...faultsIn('streams/length-prefixed', ['framing', 'framing-options'], {
    'a record exactly as long as the limit is refused': ['body > this.maxLength', 'body >= this.maxLength'],
    'a record may have any length': ['body > this.maxLength', 'false'],
    'a truncated prefix is not an error': ['this.missing < 0 && this.filled === 0', 'this.missing < 0'],
    'a truncated record is not an error': ['this.missing < 0 && this.filled === 0', 'this.filled === 0'],
    'a negative length is a record': ['if (body < 0)', 'if (false)'],
    'a length that a number cannot hold is skipped': ['this.skips && Number.isSafeInteger(body)', 'this.skips'],
    'the part of a header that is kept is lost': ['if (kept > 0 && !this.isSkipping)', 'if (false)'],
    'a skipped record leaves its header': ['if (!this.isSkipping)\n', 'if (true)\n'],
    'an endless varint is a length': [
      "throw new FramingError('RECORD_MALFORMED', `the length is a varint",
      "return 10; throw new FramingError('RECORD_MALFORMED', `the length is a varint",
    ],
  }),
  ...faultsIn('streams/stepped-iterator', ['stepped-iterator', 'framing', 'node-readable'], {
    'calls are served at the same time': ['if (!answers.areAwaited)', 'if (true)'],
    'more is asked for twice': ['this.isBusy = true;\n                    more', 'more'],
    'an error after return() arrives': [
      'if (this.isOver) {\n            this.advance();',
      'if (false) {\n            this.advance();',
    ],
    'return() leaves calls waiting': [
      'this.answers.end();\n        }\n        return DONE;',
      ';\n        }\n        return DONE;',
    ],
    'the error arrives before everything is given back': [
      'this.finish().then(onStopped, onStopped);',
      'this.finish();\n        onStopped();',
    ],
  }),
  ...faultsIn('streams/record-iterator', ['framing', 'framing-options', 'framing-small-arenas'], {
    'a chunk that comes after return() is lost': ['Bytes.giveBack(value);', ';'],
    'the source is not stopped': ['if (!this.hasSourceEnded)', 'if (false)'],
    'a source that failed is stopped': ['this.hasSourceEnded = true;\n            throw error;', 'throw error;'],
  }),
  ...faultsIn('streams/record-batch', ['framing-options'], {
    'records that were not taken are lost': ['giveBack(record);', ';'],
    'a batch outlives its iterator': ['this.batch?.abandon();', ''],
  }),
  ...faultsIn('streams/partial-record', ['framing', 'framing-options', 'framing-small-arenas'], {
    'gathered pieces are not released': ['Bytes.giveBack(piece);', ';'],
    'a piece appended to a copy is not released': [
      'finally {\n            Bytes.giveBack(bytes);',
      'finally {\n            ;',
    ],
    'pieces are kept although somebody waits for memory': ['!pressure?.waiting', 'true'],
    'gathered pieces that were copied are not released': [
      'this.release();\n        this.copy = copy;',
      'this.drop();\n        this.copy = copy;',
    ],
    'pieces are never copied': ['this.pieces.length < this.mostPieces', 'true'],
    'one piece more than the limit is held': [
      'this.pieces.length < this.mostPieces',
      'this.pieces.length <= this.mostPieces',
    ],
  }),
  ...faultsIn('node/body-memory', ['read-body'], {
    'a body that gathers memory keeps it while it waits': [
      'environment.startTimer(() => round.abort(GAVE_UP), hold)',
      'environment.startTimer(() => undefined, hold)',
    ],
    'bodies gather their memory all at once': ['await turn.promise;', ''],
    'a body that failed keeps its memory': ['buffer.abandon();', ';'],
    'a body never moves to the heap': ['if (!this.spills)', 'if (true)'],
    'the turn of a body that failed never ends': ['finally {\n            done();', 'finally {\n            ;'],
  }),
  ...faultsIn('streams/bytes-list', ['bytes-list', 'framing'], {
    'a split at the end of a piece cuts it': ['rest >= lengthAt(pieces, whole)', 'rest > lengthAt(pieces, whole)'],
    'a split does not shorten the list': ['this.size -= at;', ''],
    'an empty piece in a new list is not released': ['if (piece.isEmpty)\n                Bytes.giveBack(piece);', ';'],
    'an empty piece that is appended is not released': ['Bytes.giveBack(bytes);\n        return [];', 'return [];'],
    'a list that was added keeps its handle': ['bytes.release();\n            return pieces;', 'return pieces;'],
    'a piece that was added is not counted': [
      'this.size += checkPiece(bytes).length;\n        if (!bytes',
      'checkPiece(bytes);\n        if (!bytes',
    ],
    'the first byte of a piece is looked for in the piece before': [
      'if (rest < piece.length)',
      'if (rest <= piece.length)',
    ],
    'a slice starts at the same offset in every piece': ['Math.max(start - offset, 0)', 'Math.max(start, 0)'],
    'a slice ends too late': ['Math.min(end - offset, piece.length)', 'Math.min(end, piece.length)'],
    'release() does not release the pieces': [
      'for (const piece of pieces ?? [])\n            Bytes.giveBack(piece);',
      '',
    ],
    'a handle that was given out for reading is not released': [
      'for (const piece of this.borrowed.splice(0))',
      'for (const piece of [])',
    ],
    'the same handle may be given twice': ['if (new Set(given).size < given.length)', 'if (false)'],
    'the cut piece of a split is lost': ['if (cut !== undefined)\n            head.push(cut);', ''],
  }),
  ...faultsIn(
    'node/file-chunks',
    ['node-files', 'faults-aborts', 'faults-closing', 'faults-building', 'faults-streams'],
    {
      'memory granted for a closed file is not returned': ['granted?.abandon();', ''],
      'memory granted after the end is not returned': ['else\n                buffer.abandon();', ''],
      'chunks that were read ahead are not released': [
        'for (const read of this.reads.splice(0))\n                read.abandon();',
        '',
      ],
      'an empty chunk is not released': ['Bytes.giveBack(bytes);\n        return undefined;', 'return undefined;'],
      'a reader that ended is still asked for spare memory': ['this.arena.line.pressure.delete(this.onWait);', ''],
      'a file is not closed': ['if (this.file >= 0 && !isHandle(this.source)) {', 'if (false) {'],
      'memory is returned while the system reads into it': ['this.reads.some(({ isUnderWay }) => isUnderWay)', 'false'],
      'bytes in returned spare memory are not read again': ['this.position -= last.abandon();', 'last.abandon();'],
      'reading ahead takes memory that others wait for': [
        'if (this.waiting !== undefined || this.isAwaited)',
        'if (this.waiting !== undefined)',
      ],
      'a signal keeps its callback': ['removeAbortCallback(signal, this.onAbort);', ';'],
      'spare memory is returned while it is read into': [
        'last !== undefined && !last.isUnderWay',
        'last !== undefined',
      ],
      'a wait for memory is not ended': ['this.waiting?.abort();', ''],
      'a read may go past the requested end': [
        'Math.min(this.options.chunkSize, claimed, this.options.end - this.position)',
        'Math.min(this.options.chunkSize, claimed)',
      ],
      'the error of closing a file is lost': [
        'if (error !== null)\n                        this.answers.fail(error);',
        '',
      ],
      'a short read ends the chunk': ['bytesRead > 0 && this.position !== null && this.filled < this.length', 'false'],
    },
  ),
  ...faultsIn(
    'node/connect-chunks',
    ['node-connect', 'faults-building', 'faults-aborts', 'faults-streams', 'faults-closing'],
    {
      'a connection that fails at once keeps its memory': [
        'chunks.leaveStrip();\n        throw error;',
        'throw error;',
      ],
      'memory granted after the end is not returned': [
        'if (this.gone.signal.aborted)\n                this.leaveStrip();',
        'if (false)\n                ;',
      ],
      'chunks that were not taken are not released': ['Bytes.giveBack(bytes);', ';'],
      'the reserve is not returned': ['this.reserve?.abandon();', ''],
      'the strip is not returned': ['this.strip?.abandon();', ''],
      'the strip is returned while the system writes into it': [
        'if (failure.length > 0)\n            this.answers.fail(failure[0]);',
        'if (failure.length > 0)\n            this.answers.fail(failure[0]);\n        this.leaveStrip();',
      ],
      'a wait for memory is not ended': ['this.gone.abort();', ''],
      'reading from the socket is never stopped': ['return !this.isStopped;', 'return true;'],
      'a stopped socket is never resumed': ['this.socket?.resume();', ''],
      'a signal keeps its callback': ['removeAbortCallback(signal, this.onAbort);', ';'],
      'data that arrives without a reserve is lost': ['?? Bytes.copyFrom(data)', '?? Bytes.empty'],
      'the socket is not destroyed when its reader leaves': [
        'this.socket?.destroy(reason instanceof Error ? reason : undefined);',
        ';',
      ],
    },
  ),
  ...faultsIn(
    'node/read-readable',
    ['node-readable', 'stream-buffers', 'faults-streams', 'faults-aborts', 'faults-closing'],
    {
      'a stream that is left early, or aborted, is not destroyed': [
        'if (!this.stream?.hasEnded)\n            this.source.destroy();',
        '',
      ],
      'a stream that is left early is not destroyed': [
        'this.stream?.stop();\n        this.cancel();',
        'this.stream?.stop();',
      ],
      'the error of a stream is lost': [
        'this.failure === undefined ? this.finish() : Promise.reject(this.failure)',
        'this.finish()',
      ],
      'bytes already read wait for the next data': [
        'return this.frozen();\n            const buffer',
        'return undefined;\n            const buffer',
      ],
      'adopted data overtakes data that was copied': [
        'buffer === undefined || buffer.isEmpty ? this.adopted(rest) : this.frozen()',
        'this.adopted(rest)',
      ],
      'an adopted chunk may be larger than a chunk': [
        'rest.length > chunkSize ? rest.subarray(0, chunkSize) : rest',
        'rest',
      ],
      'the memory of adopted data never comes back': ['() => buffer.abandon()', '() => undefined'],
      'a record of adopted pieces keeps memory that its reader waits for': [', this.pressure)', ')'],
    },
  ),
  ...faultsIn('node/stream-buffers', ['stream-buffers'], {
    'data over a part of its memory is freed': ['byteLength !== buffer.byteLength || ', ''],
  }),
  ...faultsIn('node/data-sources', ['node-readable', 'read-body', 'stream-buffers'], {
    'data that others get too is freed, in a stream of another library': ["!source.listenerCount?.('data')", 'true'],
    'data that others get too is freed': ["source.listenerCount('data') === 0", 'true'],
    'a stream keeps its listener': ["this.source.off('readable', this.look);", ''],
    'an iterator that is left early is not stopped': ['if (!this.hasEnded)\n            void this.stopIterator();', ''],
    'a Web stream that is left early is not cancelled': ['await reader.cancel();', ''],
  }),
  ...faultsIn('node/read-body', ['read-body', 'stream-buffers'], {
    'the Buffers of a body are not freed': ['if (frees && data.isSoleReader)', 'if (false)'],
    'the error of a source does not end the wait for memory': ['stop.abort(error)', 'void error'],
    'the length of a response counts': ["typeof statusCode === 'number'", 'false'],
  }),
  ...faultsIn('streams/web-streams', ['web-streams', 'faults-streams', 'faults-aborts', 'faults-closing'], {
    'a partly read chunk is not released': ['if (rest !== undefined)\n            giveBack(rest);', ''],
    'return() of the source is not called': ['await iterator.return?.();', ''],
    'bytes that do not fit the view are lost': ['rest = chunk.slice(count);', ';'],
    'an empty chunk is not released': [
      'giveBack(rest);\n                    rest = await next();',
      'rest = await next();',
    ],
    'a source that fails is not stopped': ['await stop();\n                throw error;', 'throw error;'],
  }),
  ...faultsIn('streams/received-chunks', ['web-streams', 'faults-streams', 'faults-aborts', 'faults-closing'], {
    'an abort does not cancel the stream at once': ['this.reader?.cancel().catch(() => undefined);', ';'],
    'a stream that is left early is not cancelled': [
      'await (this.reader ?? this.stream).cancel()',
      'await Promise.resolve()',
    ],
    'the reader keeps its lock': ['this.reader?.releaseLock();', ''],
  }),
  ...faultsIn(
    'streams/chunk-reader',
    ['web-streams', 'node-readable', 'faults-streams', 'faults-aborts', 'faults-closing'],
    {
      'an aborted reading seems to end': ['this.stopSignal.abort(this.signal && abortReason(this.signal));', ''],
      'a signal keeps its callback': ['removeAbortCallback(this.signal, this.onAbort);', ';'],
      'a partly filled chunk is not returned': ['this.buffer?.abandon();', ''],
      'memory that comes after return() is lost': [
        'if (this.isOver)\n            buffer.abandon();',
        'if (false)\n            buffer.abandon();',
      ],
      'an abort before the start is ignored': ['if (signal?.aborted)', 'if (false)'],
      'the source is not stopped': ['await this.close();', ''],
    },
  ),
  ...faultsIn('streams/answers', ['node-files', 'node-connect'], {
    'every caller gets the error': ['this.failure = undefined;\n            if (failure', 'if (failure'],
    'the last error replaces the first': ['this.failure ??= { reason };', 'this.failure = { reason };'],
  }),
];
