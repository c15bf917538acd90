/** A mistake that is planted into a file of the built package, to see that a test fails of it. */
export interface Fault {
  /** What is wrong. */
  readonly name: string;
  /** File in `dist`, without its ending. */
  readonly file: string;
  /** Text that the file has exactly once. */
  readonly find: string;
  readonly replace: string;
  /** Test files that should find it, run first. */
  readonly tests?: readonly string[];
}

/** What is found and what it is replaced by, under the fault's name. */
type Edits = Readonly<Record<string, readonly [find: string, replace: string]>>;

function faultsIn(file: string, tests: readonly string[], edits: Edits): Fault[] {
  return Object.entries(edits).map(([name, [find, replace]]) => ({ name, file, find, replace, tests }));
}

/** Faults that no test could find, for they change nothing that can be observed, are not in this table. */
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
    ],
    {
      'release counts no holder off': [
        'this.giveUp();\n        if (--allocation.holders === 0)',
        'this.giveUp();\n        if (allocation.holders === 1)',
      ],
      'narrowing to nothing counts no holder off': [
        'EMPTY.holders++;\n        if (--allocation.holders === 0)',
        'EMPTY.holders++;\n        if (allocation.holders === 1)',
      ],
      'departing counts no holder off': [
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
      'an empty slice keeps memory': ['if (size === 0)\n            return new Bytes(EMPTY, 0, 0);', ''],
      'narrowing to nothing keeps memory': ['if (size !== 0)\n            return;', 'return;'],
      'freezing nothing keeps memory': [
        'allocation.owner.release(allocation);\n            return Bytes.over(EMPTY, 0, 0);',
        'return Bytes.over(EMPTY, 0, 0);',
      ],
      'a freeze is not counted': ['allocation.owner.countFreeze();', ''],
      'what was written is not noted': [
        'if (this.cursor > allocation.dirtyEnd)\n            allocation.dirtyEnd = this.cursor;',
        '',
      ],
      'the last byte written is not noted': [
        'allocation.dirtyEnd = this.cursor;',
        'allocation.dirtyEnd = this.cursor - 1;',
      ],
      'what was written is noted less than before': ['if (this.cursor > allocation.dirtyEnd)', 'if (true)'],
      'a spill is not counted': ['owner.countSpill();', ';'],
      'a spill keeps the slot': ['owner.countSpill();\n        owner.release(allocation);', 'owner.countSpill();'],
      'a spill copies nothing': ['if (used > 0)\n            bytes.set(allocation.content(start, used));', ''],
      'what is appended in a spill comes first': [
        '            bytes.set(tail, used);',
        '            bytes.set(tail, 0);',
      ],
      'what is appended in a spill is not counted': ['tail === undefined ? used : used + byteCount', 'used'],
      'what is appended to a growing BytesMut is lost': ['memory.bytes.set(tail, used);', ''],
      'tryIntoMut takes bytes that others hold': [
        '!allocation.owner.writable || !allocation.owner.isSoleHolder(allocation)',
        '!allocation.owner.writable',
      ],
      'tryIntoMut takes the memory of others': [
        '!allocation.owner.writable || !allocation.owner.isSoleHolder(allocation)',
        '!allocation.owner.isSoleHolder(allocation)',
      ],
      'tryIntoMut brings back what was cut off in front': ['allocation.start = this.offset;', ''],
      'at() reads one byte behind the end': ['if (index >= this.size)', 'if (index > this.size)'],
      'a slice may end one byte behind the end': [
        "checkInteger(end, 'end', 0, this.size)",
        "checkInteger(end, 'end', 0, this.size + 1)",
      ],
      'a slice may start behind its end': [
        "checkInteger(start, 'start', 0, end)",
        "checkInteger(start, 'start', 0, this.size)",
      ],
      'splitTo() may cut one byte behind the end': [
        "checkInteger(at, 'at', 0, this.size);\n        const head",
        "checkInteger(at, 'at', 0, this.size + 1);\n        const head",
      ],
      'splitOff() may cut one byte behind the end': [
        "checkInteger(at, 'at', 0, this.size);\n        const tail",
        "checkInteger(at, 'at', 0, this.size + 1);\n        const tail",
      ],
      'splitTo() leaves too much': [
        'this.narrow(this.offset + at, this.size - at)',
        'this.narrow(this.offset + at, this.size)',
      ],
      'reading takes one byte too many': ['if (byteCount > this.size)', 'if (byteCount > this.size + 1)'],
      'indexOf() may not start at the end': [
        "checkInteger(from, 'from', 0, this.size)",
        "checkInteger(from, 'from', 0, this.size - 1)",
      ],
      'a view stays as it was when the handle shrinks': [
        'if (borrowed !== undefined && borrowed.length === this.size)',
        'if (borrowed !== undefined)',
      ],
      'empty bytes are not unique': [' || allocation === EMPTY;', ';'],
      'intoOwned() keeps the memory': ['this.release();\n        return owned;', 'return owned;'],
      'reserve() forgets what was written': [
        'if (byteCount > allocation.limit - this.cursor)',
        'if (byteCount > allocation.limit)',
      ],
      'a BytesMut lives on after its freeze': [
        'this.allocation = SPENT;\n        return this.cursor === 0',
        'return this.cursor === 0',
      ],
      'a ticket for nothing leaves the handle': [
        'this.giveBack();\n            return EMPTY_TICKET;',
        'return EMPTY_TICKET;',
      ],
      'a buffer can be frozen twice': [
        'dirtyEnd = this.cursor;\n        this.allocation = SPENT;',
        'dirtyEnd = this.cursor;',
      ],
    },
  ),
  ...faultsIn('handles/writer', ['writers', 'spill', 'init-policy', 'bytes-mut', 'bytes-owned'], {
    'a value is written into the neighbour': [
      'return at + byteCount <= this.allocation.limit ? at',
      'return at + byteCount <= this.allocation.limit + 1 ? at',
    ],
    'advanceMut() goes one byte too far': ['if (byteCount > remaining)', 'if (byteCount > remaining + 1)'],
    'what was lent for writing is not noted': [
      'allocation.dirtyEnd = allocation.limit;\n        return rest;',
      'return rest;',
    ],
    'putSlice() writes to the front of the slot': [
      'room.set(source, cursor - allocation.offset);',
      'room.set(source, 0);',
    ],
    'a buffer that cannot grow does': [
      'if (!this.grows(allocation))\n            throw new BufferFullError(allocation.limit - this.cursor, byteCount);\n        // The',
      '// The',
    ],
    'a full buffer that spills lends nothing': [
      'if (this.cursor === allocation.limit && this.grows(allocation))',
      'if (false)',
    ],
    'tryPutSlice() refuses what just fits': ['> this.remainingMut())', '>= this.remainingMut())'],
    'length counts from the block': [
      'return this.cursor - this.live().start;',
      'return this.cursor - this.live().offset;',
    ],
  }),
  ...faultsIn('memory/compare', ['bytes-compare'], {
    'the last word is compared too far': ['while (at + 4 <= length &&', 'while (at + 3 <= length &&'],
    'the rest of a word is not compared': [
      'while (at < length && a[at] === b[at])',
      'while (at < length - 3 && a[at] === b[at])',
    ],
    'a needle at the end is not found': ['haystack.length - needle.length;', 'haystack.length - needle.length - 1;'],
    'a prefix sorts behind': ['a.length < b.length ? -1 : 1', 'a.length < b.length ? 1 : -1'],
    'a search goes on behind what was not it': [
      'haystack.indexOf(first, at + 1)',
      'haystack.indexOf(first, at + needle.length)',
    ],
    'equal bytes need only one beginning': [
      'return a.length === b.length && mismatch',
      'return a.length <= b.length && mismatch',
    ],
    'bytes are compared as signed': ['a[at] < b[at]', '(a[at] << 24) < (b[at] << 24)'],
  }),
  ...faultsIn('handles/raw-region', ['raw-region', 'init-policy', 'collector'], {
    'a raw freeze may end one byte behind the end': ['end > capacity', 'end > capacity + 1'],
    'a raw freeze of nothing keeps memory': [
      'if (start === end) {\n            allocation.owner.release(allocation);',
      'if (start === end) {',
    ],
    'a region is not noted as written': ['allocation.dirtyEnd = allocation.limit;', ''],
    'a region is not noted as lent': ['allocation.owner.lend(allocation);', ''],
    'a region can be released twice': [
      'this.allocation = SPENT;\n        allocation.owner.release(allocation);',
      'allocation.owner.release(allocation);',
    ],
    'a raw freeze is not counted': ['allocation.owner.countFreeze();', ''],
  }),
  ...faultsIn('handles/allocation', ['spill-pool', 'bytes-view', 'collector', 'guarded'], {
    'a view of another length is lent again': [' || lengthOfView(view) !== length', ''],
    'a view of another place is lent again': [' || this.viewOffset !== offset', ''],
    'a slot is copied whole in a spill': ['room.length === length && offset === this.offset', 'room.length > 0'],
    'lending is not noted': ['this.owner.lend(this);', ''],
  }),
  ...faultsIn(
    'engine/engine',
    ['init-policy', 'metrics', 'close', 'from-raw', 'waiting', 'waiting-buddy', 'collector', 'zero-policy.property'],
    {
      'a release does not scrub': ['if (this.zeroes && record.dirtyEnd > record.offset)', 'if (false)'],
      'recovering does not scrub': [
        'if (this.zeroes)\n            this.memory.zero',
        'if (false)\n            this.memory.zero',
      ],
      'recovering scrubs the first unit only': [
        'this.memory.zero(offset, offset + this.unit * (1 << order))',
        'this.memory.zero(offset, offset + this.unit)',
      ],
      'what was lent stays so after its release': ['trace.lent = false;', ''],
      'pinned memory is used again': ['if (lent) {', 'if (false) {'],
      'a pinned leak is not kept in mind': ['this.pinned.push({ block, order });', ''],
      'warming does not scrub': ['this.memory.zero(offset, offset + this.unit);', ''],
      'warming scrubs again and again': ['warmed[unit] = 1;', ''],
      'warming scrubs the first unit only': ['const end = block + (1 << order);', 'const end = block + 1;'],
      'dealloc while pinned': ['if (live > 0 || dealloc === undefined)', 'if (dealloc === undefined)'],
      'dealloc never, when something was live at close()': [
        'if (live > this.counters[LEAKS_PINNED])\n            return;',
        '',
      ],
      'dealloc twice': ['dealloc();\n', 'dealloc();\n            dealloc();\n'],
      'the error of a dealloc is lost': ['throwLater(error);', ''],
      'a closed arena is not kept for its dealloc': ['closing.add(this);', ''],
      'a failed claim is not counted': [
        'this.count(ALLOCATIONS_FAILED);\n        return undefined;',
        'return undefined;',
      ],
      'a release counts one unit off': ['this.usedUnits -= 1 << order;', 'this.usedUnits -= 1;'],
      'a claim counts one unit': ['this.usedUnits += 1 << order;', 'this.usedUnits += 1;'],
      'a claim is not counted as in use': ['this.usedBlocks++;', ''],
      'a release is not counted as coming back': ['this.usedBlocks--;', ''],
      'the pool keeps records in use': ['this.pool[pooled - 1] = undefined;', ''],
      'how far the last owner had written stays': ['record.dirtyEnd = offset;', ''],
      'a listener replaces what closing needs': [
        'if (!this.isClosed)\n            this.afterRelease = listener;',
        'this.afterRelease = listener;',
      ],
      'recovering tells nobody that waits': [
        'if (this.afterRelease !== undefined)\n            this.afterRelease(freedOrder);\n        this.reporter',
        'this.reporter',
      ],
      'a release tells nobody that waits': [
        'this.keepRecord(record);\n        if (this.afterRelease !== undefined)',
        'this.keepRecord(record);\n        if (false)',
      ],
      'a refusal is not counted': [
        'this.count(ALLOCATIONS_FAILED);\n        return new AllocError(code);',
        'return new AllocError(code);',
      ],
    },
  ),
  ...faultsIn('blocks/free-bitmap', ['free-bitmap', 'reservation', 'fixed-arena.property', 'buddy-arena.property'], {
    'a summary does not learn of a release': ['if (word === 0)\n            this.markUsable(index);', ''],
    'only the first summary learns of a release': [
      'if (word !== 0)\n                return;\n            index >>>= 5;',
      'return;',
    ],
    'a summary does not learn of an exact claim': ['if (rest === 0)\n            this.markExhausted(index);', ''],
    'a summary does not learn of a claim': ['if (word === lowest)\n            this.markExhausted(index);', ''],
    'only the first summary learns of a claim': [
      'if (word !== 0)\n                return;\n        }',
      'return;\n        }',
    ],
    'there are more entries than were asked for': ['if (words !== undefined && bits % 32 !== 0)', 'if (false)'],
    'a whole word at the end of a region is passed over': ['if (end < first + 32)', 'if (end <= first + 32)'],
    'entries in front of a region are in it': ['if (start > first)', 'if (false)'],
    'an exact claim of what is taken succeeds': ['if (rest === word)\n            return false;', ''],
  }),
  ...faultsIn('blocks/buddy-blocks', ['buddy-arena', 'buddy-arena.property', 'reservation'], {
    'the smallest spare of a split is lost': [
      'this.withSpare |= lowest - (1 << order);',
      'this.withSpare |= lowest - (2 << order);',
    ],
    'a cascade counts one split': ['this.splits += from - order;', 'this.splits += 1;'],
    'a cascade counts one coalesce': ['this.coalesces += order - first;', 'this.coalesces += order > first ? 1 : 0;'],
    'a spare that coalesced stays free': [
      'spares[order] === buddy)\n                this.withSpare ^= bit;',
      'spares[order] === buddy);',
    ],
    'a coalesced block begins at its right half': ['block &= buddy;', ''],
    'the largest block is never made again': [
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
    'a spare behind a region is set aside with it': [
      'if ((this.withSpare & bit) !== 0 && spare >= region && spare < end) {',
      'if ((this.withSpare & bit) !== 0 && spare >= region && spare <= end) {',
    ],
    'spares do not count for the best region': ['units += bit;', ''],
    'blocks in bitmaps do not count for the best region': [
      ' << order;\n        }\n        return units;',
      ' & 0;\n        }\n        return units;',
    ],
    'a claim takes a larger block than the smallest': [
      'const lowest = usable & -usable;',
      'const lowest = 2 ** (31 - Math.clz32(usable));',
    ],
  }),
  ...faultsIn('blocks/geometry', ['buddy-geometry', 'alignment'], {
    'a power of two becomes the next one': ['while (power < value)', 'while (power <= value)'],
    'aligning up rounds down': [
      'return Math.ceil(value / alignment) * alignment;',
      'return Math.floor(value / alignment) * alignment;',
    ],
    'aligning down rounds up': [
      'return Math.floor(value / alignment) * alignment;',
      'return Math.ceil(value / alignment) * alignment;',
    ],
    'a snapped arena is smaller than was asked for': [
      'Math.ceil(total / minBlockSize)',
      'Math.floor(total / minBlockSize)',
    ],
    'blocks of just the alignment are refused': [
      'if (alignment <= this.minBlockSize)',
      'if (alignment < this.minBlockSize)',
    ],
    'an alignment need not be a power of two': ['if (!isPowerOfTwo(alignment))', 'if (false)'],
    'an alignment is forgotten': [
      'snapped(this.totalSize, alignment, alignment)',
      'snapped(this.totalSize, alignment, 1)',
    ],
  }),
  ...faultsIn('arenas/backing', ['from-raw', 'from-wasm', 'alignment'], {
    'a backing that fits just is used by half': [
      'while (totalSize * 2 <= available)',
      'while (totalSize * 2 < available)',
    ],
    'a slot as large as the backing is refused': ['if (slotCapacity > available)', 'if (slotCapacity >= available)'],
    'where the backing begins is not aligned': ['alignUp(memory.byteOffset, alignment) - memory.byteOffset', '0'],
    'what alignment costs is used': ['Math.max(0, memory.byteLength - base)', 'memory.byteLength'],
    'a smallest block may be smaller than the alignment': ['minBlockSize = Math.max(minBlockSize, alignment);', ''],
    'a detached backing is taken': ['if (memory.isGone)', 'if (false)'],
  }),
  ...faultsIn('memory/heap-memory', ['bytes-mut', 'spill'], {
    'growing asks for the preferred size only': ['if (preferred === needed)', 'if (true)'],
  }),
  ...faultsIn('handles/spill-pool', ['spill-pool', 'spill'], {
    'a closed arena goes on keeping spilled memory': ['this.keeps = false;', ''],
    'the zero policy keeps spilled memory': ['this.keeps = keeps;', 'this.keeps = true;'],
    'transferred memory is used again': ['if (record.memory.isGone)\n                continue;', ''],
    'nothing is kept': ['if (!this.keeps || this.keptBytes', 'if (true || this.keptBytes'],
    'kept memory is smaller than was asked for': ['32 - Math.clz32(preferred - 1)', '31 - Math.clz32(preferred - 1)'],
    'kept memory has no holder': ['record.holders = 1;', 'record.holders = 0;'],
    'kept memory begins where its last content did': ['record.start = 0;', ''],
    'memory stays kept while it is used': ['let record = records?.pop();', 'let record = records?.at(-1);'],
  }),
  ...faultsIn(
    'engine/slot-engine',
    ['fixed-arena', 'fixed-arena.property', 'collector', 'close', 'init-policy', 'metrics', 'waiting-strategy'],
    {
      'a kept record is held while its slot is in use': ['this.kept[top] = undefined;', ''],
      'a kept slot is given twice': ['this.keptCount = top;', ''],
      'a kept slot is not counted': ['this.counters[ALLOCATIONS_OK] = this.counters[ALLOCATIONS_OK] + 1;', ''],
      'a kept slot has no holder': ['record.holders = 1;', 'record.holders = 0;'],
      'a kept slot begins where its last content did': ['record.start = offset;', ''],
      'how far the last owner of a kept slot had written stays': ['record.dirtyEnd = offset;', ''],
      'a kept slot is not scrubbed': ['this.zeroes && record.dirtyEnd > record.offset', 'false'],
      'a kept slot stays lent': ['record.trace.lent = false;', ''],
      'a closed arena keeps slots': ['if (this.isClosed)', 'if (false)'],
      'what is kept can be had after close()': [
        'for (; this.keptCount > 0; this.keptCount--)\n            this.retire(this.kept[this.keptCount - 1]);',
        '',
      ],
      'a retired record counts as in use': ['this.recorded--;\n        this.retired', 'this.retired'],
      'the collector finds retired records': ['this.retired.push(record);', ''],
      'a reclaimed slot counts as in use': ['this.recorded--;\n        return', 'return'],
      'nobody is told of a kept slot': ['this.afterRelease(0);', ';'],
      'who waits sees no kept slot': ['this.keptCount > 0 ? 0 :', ''],
    },
  ),
  ...faultsIn('memory/memory', ['fill', 'from-wasm', 'moving-memory', 'init-policy', 'prefault', 'from-raw'], {
    'memory that grew is not followed': [
      'this.fields = undefined;\n            this.wide = undefined;\n            return this.window;',
      'return this.window;',
    ],
    'the head of what is filled is left out': ['for (let at = start; at < head; at++)', 'for (; false; )'],
    'the tail of what is filled is left out': ['at < end; at++)', 'at < start; at++)'],
    'filling begins some bytes too early': ['(from + 7) >>> 3', 'from >>> 3'],
    'filling goes on to the end of eight bytes': ['? to >>> 3', '? (to + 7) >>> 3'],
    'what is left of shrunk memory is not scrubbed': ['if (left > 0)', 'if (false)'],
  }),
  ...faultsIn('arenas/fixed-arena', ['fixed-arena', 'alignment', 'waiting'], {
    'a slot is too small for its capacity': ['if (length > this.slotCapacity)', 'if (length >= this.slotCapacity)'],
    'an arena capacity is rounded down': [
      'Math.ceil(arenaCapacity / slotCount)',
      'Math.floor(arenaCapacity / slotCount)',
    ],
    'a slot is not aligned': ['const unit = alignUp(slotCapacity, alignment);', 'const unit = slotCapacity;'],
    'closing rejects nobody that waits': ['super.close();\n        this.line.close();', 'super.close();'],
  }),
  ...faultsIn('arenas/buddy-arena', ['buddy-arena', 'buddy-geometry', 'waiting', 'close'], {
    'a capped capacity is the whole block': ['return this.capsCapacity ? length :', 'return false ? length :'],
    'a length of just a block takes two': [
      'Math.clz32((length - 1) / this.minBlockSize)',
      'Math.clz32(length / this.minBlockSize)',
    ],
    'more than the arena waits for ever': ['if (length > this.totalSize)', 'if (false)'],
    'closing rejects nobody that waits': ['super.close();\n        this.line.close();', 'super.close();'],
  }),
  ...faultsIn('blocks/reservation', ['reservation', 'waiting-buddy'], {
    'what comes back into a region is not kept': [
      'if (order < this.order && this.overlaps(block, order)) {',
      'if (false) {',
    ],
    'a region that came free at once is not whole': ['this.cameFreeAtOnce = true;', ''],
    'ending a reservation loses its first block': ['return this.kept.map(', 'return this.kept.slice(1).map('],
    'a region with pinned memory is set aside': ['overlap(region, order, obstacle.block, obstacle.order)', 'false'],
    'the emptiest region is not the best': ['if (units <= most)', 'if (best >= 0)'],
    'what is kept is not counted': ['this.keptUnits += 1 << order;', 'this.keptUnits += 1;'],
  }),
  ...faultsIn(
    'waiting/wait-line',
    ['waiting', 'waiting-cancel', 'waiting-buddy', 'waiting-strategy', 'faults-aborts', 'close'],
    {
      'a wake-up is lost, as nobody listens': ['this.engine.onRelease(this.onRelease);\n            try', 'try'],
      'who left stays with the strategy': ['attempt(() => wait.registration?.revoke());', ''],
      'limits are not lifted': ['attempt(() => wait.unlimit());', ''],
      'a timeout is not cleared': ['if (this.timer !== undefined)\n            environment.stopTimer(this.timer);', ''],
      'a signal keeps its callback': ['removeAbortCallback(this.signal, this.onAbort);', ''],
      'closing rejects nobody': ["this.cancel(wait, this.engine.refusal('ARENA_CLOSED'));", ''],
      'closing counts no failure': ["this.engine.refusal('ARENA_CLOSED')", "new Error('ARENA_CLOSED')"],
      'who is aborted gets memory': ['if (wait.signal?.aborted)\n                throw abortReason(wait.signal);', ''],
      'nothing is tried after preparing': [
        'if (this.waits.has(wait))\n            this.claimFor(wait);\n        if (!this.waits.has(wait))\n            attempt',
        'if (!this.waits.has(wait))\n            attempt',
      ],
      'a release in a release is not told of': [
        'this.untold.push(freedOrder);\n        if (this.isWaking)\n            return;',
        'if (this.isWaking)\n            return;\n        this.untold.push(freedOrder);',
      ],
      'a hint for who left is lost': ['this.wake(this.engine.largestFreeOrder());\n        else', ';\n        else'],
      'who was woken in vain is not in line again': [
        'else if (!this.claimFor(wait) && this.waits.has(wait))\n            this.enlist(wait);',
        'else\n            this.claimFor(wait);',
      ],
      'who left is not counted': ['this.cancelled++;', ''],
      'who was served is not counted': ['this.served++;', ''],
      'a line nobody waits in is kept for ever': ['awaited.delete(this);', ''],
      'a line that is waited in can be collected': ['awaited.add(this);', ''],
      'who holds spare memory is not asked': ['giveBack();', ''],
      'what was set aside for who was served is told nobody': [
        'wait.resolve(buffer);\n        this.wakeAll(this.leave(wait));',
        'wait.resolve(buffer);\n        this.leave(wait);',
      ],
      'what was set aside for who left is told nobody': [
        'wait.reject(reason);\n        this.wakeAll(this.leave(wait));',
        'wait.reject(reason);\n        this.leave(wait);',
      ],
      'a reservation that can never be whole goes on': [
        'else if (this.engine.pinnedBlocks.some(',
        'else if (false && this.engine.pinnedBlocks.some(',
      ],
      'a reservation that expired is made again at once': ['wait.mayReserveAt = environment.now() + lifetime;', ''],
      'a reservation never lives longer than the last one': ['Math.min(2 * lifetime, LONGEST_RESERVATION)', 'lifetime'],
      'a reservation keeps its timer': [
        'this.reserved = undefined;\n        environment.stopTimer(timer);',
        'this.reserved = undefined;',
      ],
      'a reservation keeps the blocks': ['this.engine.useBlocks(reservation.blocks);', ''],
      'a strategy that threw is never told again': ['finally {\n            this.isWaking = false;', 'finally {'],
      'the error of a strategy is lost': [
        'this.untold.length = 0;\n            throwLater(error);',
        'this.untold.length = 0;',
      ],
      'who was aborted before waits': [
        'if (signal?.aborted)\n            throw abortReason(signal);\n        const record',
        'const record',
      ],
      'nobody listens after the first one left': ['if (this.waits.size === 0) {', '{'],
    },
  ),
  ...faultsIn(
    'waiting/notify-waiters',
    ['notify-waiters', 'waiting', 'waiting-buddy', 'waiting-strategy', 'waiting.property'],
    {
      'who leaves at the end takes the line with him': [
        'if (next === undefined)\n            this.tail = previous;\n        else\n            next.previous = previous;',
        'if (next !== undefined)\n            next.previous = previous;',
      ],
      'the youngest goes first': [
        'entry.previous = this.tail;\n        if (this.tail === undefined)\n            this.head = entry;\n        else\n            this.tail.next = entry;\n        this.tail = entry;',
        'entry.next = this.head;\n        if (this.head === undefined)\n            this.tail = entry;\n        else\n            this.head.previous = entry;\n        this.head = entry;',
      ],
      'of several overdue ones the youngest goes first': [
        'head.arrival < oldest.arrival',
        'head.arrival > oldest.arrival',
      ],
      'nobody is ever overdue': ['oldest === undefined || isOverdue(oldest) ? oldest', 'oldest === undefined ? oldest'],
      'one size may win for ever': ['this.streak >= LONGEST_STREAK ? this.lastWinner : -1', '-1'],
      'smaller requests are preferred': ['- this.order * ORDER_BONUS', '+ this.order * ORDER_BONUS'],
      'the depth of a line has no limit': [
        'Math.min(this.length * DEPTH_BONUS, LARGEST_DEPTH_BONUS)',
        '(this.length * DEPTH_BONUS)',
      ],
      'more are woken than there is room for': ['room -= line.units;', ''],
      'who cannot be served keeps smaller ones from it': ['room = line.units - 1;', 'room = 0;'],
      'nothing is set aside for who is overdue': [
        'this.countWin(line.order);\n        }\n        this.reserveForOldest();',
        'this.countWin(line.order);\n        }',
      ],
      'who was revoked stays in line': [
        'this.line.remove(this);\n        this.inLine = false;',
        'this.inLine = false;',
      ],
    },
  ),
  ...faultsIn('engine/isolated-engine', ['isolated'], {
    'a buffer that is refused keeps its slot': [
      'this.blocks.release(slot, order);\n            this.count',
      'this.count',
    ],
    'a buffer that is refused is no failed allocation': ['this.count(ALLOCATIONS_FAILED);', ''],
    'a record is kept while it is in use': ['this.records[slot] = undefined;', ''],
    'a buffer that was replaced frees its slot when it is collected': [
      'if (gone !== undefined)\n            this.registry.unregister(gone.trace);',
      '',
    ],
    'a buffer that was detached is used again': ['kept === undefined || kept.memory.isGone', 'kept === undefined'],
    'touching all slots keeps them': ['this.blocks.release(record.trace.block, 0);', ''],
    'what was lent is pinned': ['lend() { }', ''],
    'where the last owner began stays': ['record.start = 0;', ''],
    'a slot is registered without what it is unregistered by': [
      'register(buffer, trace, trace)',
      'register(buffer, trace)',
    ],
  }),
  ...faultsIn('nets/leak-watch', ['leak-detection', 'testing', 'collector', 'guarded'], {
    'what came back stays open': ['this.openings.delete(opening);', ''],
    'what departed stays open': ['departed(record) {\n        this.end(record);', 'departed(record) {'],
    'a release is not noticed': ['release(record) {\n        this.end(record);', 'release(record) {'],
    'what is pinned is forgotten': ['if (trace.lent)\n            this.pinned.add(opening);', ''],
    'what was lent and came back is pinned': ['record.trace.lent = false;', ''],
    'what was lost is not counted': ['lost.push(opening) >', 'lost.length >'],
    'a watch with nothing open is kept for ever': [
      'if (this.openings.size === 0)\n            watching.delete(this);',
      '',
    ],
    'a watch with something open can be collected': ['watching.add(this);', ''],
    'the first one that was opened after is passed over': ['number > after', 'number > after + 1'],
    'no sample is ever taken': ['if (--this.untilSample > 0)', 'if (true)'],
    'every allocation is a sample': ['if (--this.untilSample > 0)', 'if (false)'],
    'a leak does not say that it was lent': ['opening.isLent ||= trace.lent;', ''],
    'an open allocation does not say that it is pinned': ['opening.isPinned = trace.lent;', ''],
  }),
  ...faultsIn('engine/leaks', ['leak-detection', 'collector', 'testing'], {
    'the error of a listener is lost': ['throwLater(error);', ''],
    'a site is warned of again and again': ['warned.add(what);', ''],
    'an arena warns of unknown leaks again and again': ['this.hasWarnedOfUnknown = true;', ''],
    'the sites with the fewest bytes come first': ['other.bytes - one.bytes', 'one.bytes - other.bytes'],
    'a site does not show its oldest allocation': ['age > known.oldest', 'age < known.oldest'],
    'what comes back is warned of as pinned': ["pinned ? PINNED_CODE : 'ARENA_LEAK'", 'PINNED_CODE'],
    'reclaimed leaks without a site are warned of': [
      'if (!pinned || this.hasWarnedOfUnknown)',
      'if (this.hasWarnedOfUnknown)',
    ],
  }),
  ...faultsIn('base/site', ['leak-detection', 'guarded'], {
    'a site is a place in the library': ['frames.findIndex((frame) => !isOwn(frame))', '0'],
    'a site is the caller of who allocates': ['shown.find((frame) =>', 'shown.slice(1).find((frame) =>'],
    'the limit of stack traces stays': ['setStackTraceLimit(limit);', ''],
  }),
  ...faultsIn('nets/guard', ['guarded', 'guarded-shared'], {
    'memory that is refused keeps the slot': ['record.owner.release(record);', ''],
    'what arrived is not copied': ['guarded.memory.bytes.set(arrived, start);', ''],
    'a double release is not reported': [
      "this.report('ARENA_DOUBLE_RELEASE'",
      "(() => undefined)('ARENA_DOUBLE_RELEASE'",
    ],
    'what is found is not kept': ['this.violations.push(message);', ''],
    'the quarantine is not looked into': ['this.quarantine.inspect();', ''],
    'what is guarded is not watched': ['this.watch.open(record, site);', ''],
  }),
  ...faultsIn('nets/guard-owner', ['guarded', 'guarded-shared'], {
    'nothing is detached': ['if (isLent && !memory.isGone)', 'if (false)'],
    'nothing is compared at the release': ['if (change !== undefined)\n            throw change;', ''],
    'a difference is thrown before the memory is returned': [
      'this.detach(record, record.memory);\n        record.inner.owner.release(record.inner);',
      'if (change !== undefined) throw change;\n        this.detach(record, record.memory);\n        record.inner.owner.release(record.inner);',
    ],
    'nothing is published for a message': ['record.publish(offset, length);\n        return parcel;', 'return parcel;'],
    'nothing is published for a ticket': [
      'record.publish(offset, length);\n            return ticket;',
      'return ticket;',
    ],
    'nothing is compared before a message': ['record.check();\n        const parcel', 'const parcel'],
    'nothing is compared before a ticket': ['record.check();\n        inner.holders', 'inner.holders'],
    'a ticket takes the hold of all handles': ['inner.holders = record.holders;', ''],
    'holders stay as they were for a ticket': ['inner.holders = 1;', ''],
    'a clone does not count for isUnique': ['return allocation.holders === 1 && inner', 'return inner'],
    'other threads do not count for isUnique': [
      'allocation.holders === 1 && inner.owner.isSoleHolder(inner)',
      'allocation.holders === 1',
    ],
    'a view stays valid after tryIntoMut()': [
      'this.detach(record, memory);\n        return writable;',
      'return writable;',
    ],
    'what departs is not detached': [
      'this.detach(record, record.memory);\n        record.inner.owner.departed',
      'record.inner.owner.departed',
    ],
  }),
  ...faultsIn('nets/guarded-record', ['guarded', 'guarded-shared'], {
    'only the first byte is compared': ['frozen.findIndex(', 'frozen.subarray(0, 1).findIndex('],
    'what is published is not noted as written': ['inner.dirtyEnd = Math.max(inner.dirtyEnd, inner.offset + end);', ''],
    'what was published before a thaw counts after it': ['this.publishedEnd = this.publishedStart;', ''],
    'a difference is told twice': ['this.wasTold = true;', ''],
    'unwritten memory is zero': ['if (!zeroes)', 'if (false)'],
    'unwritten memory is not zero where it should': ['if (!zeroes)', 'if (true)'],
    'what was published for part counts for all': [
      'if (offset >= this.publishedStart && end <= this.publishedEnd)',
      'if (offset >= this.publishedStart && this.publishedEnd > 0)',
    ],
    'a thaw compares nothing': ['thaw() {\n        this.check();', 'thaw() {'],
  }),
  ...faultsIn('nets/guarded-handles', ['guarded'], {
    'a double release is not noticed': ['if (isUsedUp && this.wasReleased)', 'if (false)'],
    'releasing what was converted is a double release': [
      'converted() {\n        this.wasReleased = false;',
      'converted() {',
    ],
    'releasing what was frozen is a double release': ['if (isUsedUp && this.wasReleased)', 'if (isUsedUp)'],
    'a clone is not guarded': ['return this.guarded(super.clone());', 'return super.clone();'],
    'a tail is not guarded': ['return this.guarded(super.splitOff(at));', 'return super.splitOff(at);'],
    'a frozen region is not compared': [
      'return GuardedBytes.frozen(record, start, end - start, this.history.guard);',
      'return bytes;',
    ],
    'an adapter fails of what it gives back': ['throwLater(error);', 'throw error;'],
    'the error of what an adapter gives back is lost': ['throwLater(error);', ''],
  }),
  ...faultsIn('nets/quarantine', ['guarded'], {
    'memory is not kept': ['keeper.register(buffer, retired);', ''],
    'nothing is looked at': ['reference.deref()?.inspect();', ''],
    'a write is told again and again': ['this.bytes.fill(RETIRED);', ''],
    'a buffer that cannot be detached is not told of': ['this.onFailure(allocated);\n            return;', ''],
    'a copy counts as detached': ['return buffer.byteLength === 0 ? moved : buffer;', 'return moved;'],
    'only the first byte is looked at': [
      'isFilled(this.bytes, RETIRED)',
      'isFilled(this.bytes.subarray(0, 1), RETIRED)',
    ],
  }),
  ...faultsIn('testing/index', ['testing'], {
    'nothing is waited for': ['waited < patience', 'waited < 0'],
    'a leaky test does not fail': [
      'if (problems.length > 0)\n            throw new UnreleasedError(problems);\n    });',
      '});',
    ],
    'what was forgotten is no problem': ['lost.length > 0', 'false'],
    'what is pinned is open for ever': ['.filter(({ pinned }) => !pinned)', ''],
    'every test fails of the violation of one': ['.slice(this.violations.get(handles) ?? 0)', ''],
    'every test fails of what one left open': ['handles.openAllocations(this.newest)', 'handles.openAllocations()'],
    'what was pinned counts as open': ['allocationsOk - frees - leaksPinned', 'allocationsOk - frees'],
    'every test fails of what one forgot': ['lostSince(this.newest)', 'lostSince(0)'],
    'what the collector found is no problem for the assertion': ['if (forgotten > 0)', 'if (false)'],
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
    'who has an answer stays in line': ['this.onSettled();', ''],
  }),
  ...faultsIn('shared/messages', ['bytes-channel', 'shared-arena', 'shared-recovery'], {
    'a ticket can be redeemed twice': [
      'if (compareExchange(this.words, at, state, (state + 1) | 0) !== state)',
      'if (this.words[at] !== state)',
    ],
    'a message is not counted as a holder': ['if (!takesHold)\n            this.holdings.share(block);', ''],
    'a message that takes a hold leaves it': ['holds[block] = holds[block] - 1;', ''],
    'what arrives is not held': ['holds[block] = holds[block] + 1;', ''],
    'a ticket that was never issued can be redeemed': ['(state & 1) === 0 ||', ''],
    'a ticket of no number can be redeemed': ['number < 0 || number >= MAX_MESSAGES ||', ''],
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
    'a message that is discarded keeps its block': ['if (counted && block >= 0)', 'if (false)'],
    'tickets do not say who issued them': ['words[at + ISSUER] = lane.number + 1;', ''],
    'who detaches still answers for tickets': ['journal[ISSUED] = 1;', ''],
  }),
  ...faultsIn('shared/recovery', ['shared-recovery', 'shared-arena', 'shared-resting', 'interleavings'], {
    'a dead thread’s words stay open': ['blocks.closeResting();', ''],
    'tickets are not revoked': ['this.tools.messages.revoke(dead.number);', ''],
    'holds are moved, not returned': ['holdings.dropAll(block);', ''],
    'requests are not withdrawn': ['requests.withdraw(cell);', ''],
    'a message counts as one that holds nothing': ['lane.words[COUNTED] = counted;', ''],
    'an operation is under way for ever': ['dead.words[EPOCH] = (dead.words[EPOCH] + 1) & ~1;', ''],
    'a block is returned as its first unit': ['blocks.release(owned - 1, order);', 'blocks.release(owned - 1, 0);'],
    'a lane is never free again': ['store(control.words, dead.start + STATE, LANE_FREE);', ''],
    'what was pinned stays so': ['dead.counters[LEAKS_PINNED] = 0;', ''],
    'what was returned is not counted': ['this.held++;', ''],
    'nobody is woken': ['control.wakeAll();', ''],
    'nobody is served': ['store(control.words, WAITING, 1);\n        requests.serve();', ''],
    'a reclaim that its thread did not live to finish is not finished': [
      'if (dead.words[RECLAIMING] !== 0)',
      'if (false)',
    ],
  }),
  ...faultsIn('shared/holdings', ['zero-policy-threads', 'shared-arena'], {
    'a drop does not scrub': ['if (this.scrubbed !== undefined && dirty > 0)', 'if (false)'],
    'a drop is not counted': ['counters[FREES] = counters[FREES] + 1;', ''],
    'a drop goes on holding': ['holds[block] = 0;', ''],
    'all that is dropped is scrubbed by its first unit': ['this.unit * (1 << order)', 'this.unit'],
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
      'what came from another thread counts as not written': ['record.dirtyEnd = record.limit;', ''],
      'what was lent stays so when it departs': [
        'record.trace.lent = false;\n        this.keepRecord(record);',
        'this.keepRecord(record);',
      ],
      'the record of what departed is forgotten': [
        'record.trace.lent = false;\n        this.keepRecord(record);',
        'record.trace.lent = false;',
      ],
      'what was lent stays so when it is released': [
        'trace.lent = false;\n        const freedOrder',
        'const freedOrder',
      ],
      'who left goes on counting in his lane': ['this.counters = new Float64Array(LANE_COUNTERS);', ''],
      'who left answers for his tickets': ['this.tools.messages.disown();', ''],
      'what is released is not handed on in this call': ['this.takeIn();', ''],
      'other threads do not count for isUnique': [
        'record.holders === 1 && this.holdings.isSole(record.trace.block)',
        'record.holders === 1',
      ],
      'closing wakes nobody': [
        'store(this.tools.control.words, CLOSED, 1);\n        this.tools.control.wakeAll();',
        'store(this.tools.control.words, CLOSED, 1);',
      ],
      'closing is not seen by others': ['store(this.tools.control.words, CLOSED, 1);', ''],
      'measuring merges nothing': ['if (!this.hasLeft)\n            this.settle();', ''],
      'who has left merges what others leave open': ['if (!this.hasLeft)', 'if (true)'],
      'who leaves leaves words open': ['this.settle();\n        this.hasLeft = true;', 'this.hasLeft = true;'],
      'a ticket takes a hold that others need': [
        'record.holders === 1);\n        return Object.freeze',
        'true);\n        return Object.freeze',
      ],
      'an offer nobody takes is lost': ['if (block >= 0)\n            this.giveUp(block);', ''],
      'a failed claim is not counted': ['this.count(ALLOCATIONS_FAILED);', ''],
      'a lane is left while it holds': ['if (!lane.holds.every((count) => count === 0))', 'if (false)'],
    },
  ),
  ...faultsIn('shared/thread', ['shared-arena', 'shared-waiting', 'bytes-channel', 'shared-recovery'], {
    'who detached is found when the thread attaches again': ['attached.delete(this.control.id);', ''],
    'detaching leaves who waits': ['endWaits();', ''],
    'a ticket of another arena is redeemed': ['if (arena !== this.control.id)', 'if (false)'],
    'there are more threads than the arena was built for': ['number < plan.maxThreads', 'number <= plan.maxThreads'],
    'a thread can reclaim itself': ['if (threadId === this.threadId)', 'if (false)'],
    'nothing is reclaimed after a worker’s exit': ['this.reclaim(threadId);\n        });', ';\n        });'],
    'who detached can go on': ["throw new AllocError('ARENA_CLOSED');", ';'],
  }),
  ...faultsIn('shared/waiting', ['shared-waiting', 'interleavings'], {
    'what came too late is lost': ['for (const block of late)\n            this.engine.giveUp(block);', ''],
    'closing elsewhere ends no wait': ['if (this.engine.closed)\n            this.line.close();', ''],
    'what comes with what was found is lost': ['if (late >= 0)\n                engine.giveUp(late);', ''],
    'the smallest request is not asked for': ['smallest < oldest ? smallest : -1', '-1'],
    'what is handed over at the last moment is lost': ['if (found === undefined && late >= 0)', 'if (false)'],
    'nobody who left stops listening': ['this.sleeper.remove(this.look);', ';'],
  }),
  ...faultsIn('shared/requests', ['shared-waiting', 'interleavings'], {
    'who has asked last is served first': ['((since - arrival) | 0) > 0', '((since - arrival) | 0) < 0'],
    'a block of any size is handed over': ['orderIn(state) === order && this.grant', 'this.grant'],
    'who was handed memory is not woken': ['this.control.wake(this.control.laneOf(at));', ''],
    'what was handed over is not held': ['this.lane.holds[block] = 1;', ''],
    'what was handed over is not counted': ['counters[ALLOCATIONS_OK] = counters[ALLOCATIONS_OK] + 1;', ''],
    'a block for who has left is lost': [
      'else if (!this.grant(at, state, block, order)) {\n                blocks.release(block, order);',
      'else if (!this.grant(at, state, block, order)) {',
    ],
  }),
  ...faultsIn('shared/blocks', ['shared-arena', 'shared-waiting', 'shared-resting', 'interleavings'], {
    'a slot beyond the last one is free': ['if (last % 32 !== 0)', 'if (false)'],
    'a release does not raise the hint': ['if (rank > rankOf(before, longest))', 'if (false)'],
    'a slot’s release does not raise the hint': [
      'if (word === 0)\n                    this.hints[0].raise(index, 1);',
      '',
    ],
    'the rest of a split cannot be found': ['this.hints[number].raise(index, rankOf(rest, level.longest));', ''],
    'the rest of a split is lost': ['store(words, level.start + index, rest);', ''],
    'a split is not counted': [
      'counters[counted.splits] = counters[counted.splits] + splits;\n            this.hints',
      'this.hints',
    ],
    'a block is looked for behind the last find only': ['behind >= 0 || own === 0 ? behind', 'true ? behind'],
    'a word that was left behind stays open': ['(rests && this.mayRest(number, index, run))', 'rests'],
    'who goes on to the word that it opened never does': ['this.opened[number] !== index ||', 'true ||'],
    'a word rests though somebody waits': ['this.words[this.waiting] === 0', 'true'],
    'what rests is not closed for who finds nothing': ['this.closeResting();\n            const block', 'const block'],
    'what rests is not closed for who waits': ['block < 0 && this.closeResting()', 'false'],
    'a closing is not counted': ['counters[counted.coalesces] + merged;', 'counters[counted.coalesces];'],
    'a closing is not told': ['if (found)\n            this.revealed = true;', ''],
    'the word that a split opened is not claimed from': [
      'if (words[level.start + current[number]] === 0)\n                current[number] = index;',
      '',
    ],

    'threads share words while there is memory': ['avoids && this.lanes.isOthers(number, index)', 'false'],
    'what lies in words of others is not found': ['block < 0 && this.avoided ?', 'false ?'],
  }),
  ...faultsIn('channel/ring', ['ring', 'bytes-channel', 'shared-recovery'], {
    'a full ring takes one more': [
      'return length >= this.capacity && length < FAR;',
      'return length > this.capacity && length < FAR;',
    ],
    'a ring is full one too early': [
      'return length >= this.capacity && length < FAR;',
      'return length + 1 >= this.capacity && length < FAR;',
    ],
    'a full ring looks as if it had room': [
      'this.oldHead) & POSITIONS) < this.capacity)',
      'this.oldHead) & POSITIONS) <= this.capacity)',
    ],
    'the end is not seen': [
      'if (held === END)\n                    return RING_ENDED;',
      'if (held === END)\n                    return RING_EMPTY;',
    ],
    'a sender forgets nothing of what was sent': [
      'journal[MESSAGE] = 0;\n                    journal[COUNTED] = 0;',
      '',
    ],
    'a ring that ended takes more': ['if (cell === (free | END))\n                return false;', ''],
    'what is received is not counted': ['journal[COUNTED] = 1;', ''],
  }),
  ...faultsIn('channel/bytes-channel', ['bytes-channel', 'worker-pool'], {
    'who waits for room is not woken': ['this.senders.wakeAll();\n        return this.thread', 'return this.thread'],
    'who waits for a message is not woken': ['this.receivers.wakeAll();\n        return true;', 'return true;'],
    'what could not be sent is not taken back': ['tools.messages.unwrite(message, delivery, takesHold);', ''],
    'closing wakes no receiver': ['this.ring.end();\n        this.receivers.wakeAll();', 'this.ring.end();'],
    'closing wakes no sender': ['this.senders.wakeAll();\n        this.lookAgain();', 'this.lookAgain();'],
    'a sender overtakes those that wait': [
      'if (this.sending.size === 0 && this.trySend(bytes))',
      'if (this.trySend(bytes))',
    ],
    'a receiver overtakes those that wait': ['if (this.receiving.size === 0) {', '{'],
    'who has an answer keeps his thread listening': ['this.thread.sleeper.remove(this.look);', ';'],
    'bytes of another arena are sent': ['if (delivery.engine !== engine)', 'if (false)'],
    'a message takes a hold that others need': ['length > 0 && allocation.holders === 1;', 'length > 0;'],
    'empty bytes are not used up': ['Bytes.giveBack(bytes);', ';'],
    'a handle is not used up': ['Bytes.depart(bytes);', ';'],
    'lanes from the 32nd on are not woken': ['(word << 5) + 31 - Math.clz32', '31 - Math.clz32'],
    'a closed channel refuses nobody': ['if (this.isClosed)\n            throw new ChannelClosedError();', ''],
  }),
  ...faultsIn('node/send', ['node-write', 'node-pipe', 'faults-streams', 'faults-consumers', 'faults-closing'], {
    'memory is released before the stream is done with it': [
      'this.writes.add(this);',
      'this.writes.add(this);\n        giveBack(this.bytes);',
    ],
    'what cannot be written is not given back': ['giveBack(own);\n            reject(error);', 'reject(error);'],
    'what was written is not given back': ['giveBack(this.bytes);', ''],
    'a stream stays corked': ['writable.uncork();', ';'],
    'a stream that passes memory on gets the arena’s': ['writable instanceof PassThrough', 'false'],
    'a stream that closes ends no write': [
      'session.destroyed)\n                this.closed();',
      'session.destroyed)\n                ;',
    ],
    'memory that a session still reads is given back': ['session === undefined || session.destroyed', 'true'],
    'an error nobody was told of is lost': ['throw error;\n', ';\n'],
    'the caller’s handle stays': ['giveBack(bytes);\n    return own;', 'return own;'],
    'a socket that was destroyed has written all': [
      'writable.destroyed || writable.socket?.destroyed === true',
      'writable.destroyed',
    ],
    'a stream that is closed takes more': ['checkOpen(writable);\n            new Sending', 'new Sending'],
    'a write of nothing never ends': [
      'if (this.missing === 0)\n            this.finish(undefined);\n        const',
      'const',
    ],
    'memory that may move is lent': ['writes.needsCopies || mayMove(own)', 'writes.needsCopies'],
    'a write is over with its first piece': ['if (--this.missing === 0)', 'if (--this.missing >= 0)'],
  }),
  ...faultsIn('node/write-bytes', ['node-write'], {
    'what is left is written at the same place': ['at += bytesWritten;', ';'],
    'what was written of a piece is written again': ['if (done > 0 && rest[0] !== undefined)', 'if (false)'],
    'a position is taken for a stream': [
      'if (position !== undefined)\n                throw',
      'if (false)\n                throw',
    ],
  }),
  ...faultsIn(
    'node/pipe-bytes',
    ['node-pipe', 'faults-streams', 'faults-consumers', 'faults-aborts', 'faults-closing'],
    {
      'a pipe does not wait for the drain': ['if (needsDrain(this.writable))', 'if (false)'],
      'what was asked for comes too late and is lost': [
        'asked.then(({ value, done }) => !done && giveBack(value)).catch(() => undefined);',
        ';',
      ],
      'the source is not told that nobody reads on': ['await this.source.return?.();', ''],
      'a pipe that fails ends before its writes': ['await Promise.allSettled(this.sendings);', ''],
      'a pipe ends before its writes': ['await this.unlessFailed(Promise.all(this.sendings));', ''],
      'a signal keeps its callback': [
        'finally {\n        if (signal !== undefined)\n            removeAbortCallback(signal, onAbort);',
        'finally {',
      ],
      'a failed pipe leaves its stream open': ['writable.destroy(error instanceof Error ? error : undefined);', ''],
      'a pipe ends a stream it should not': ['if (!end)\n                return;', ''],
      'a failed write does not end the pipe': [
        '(error) => this.fail(error)).then(forget)',
        '() => undefined).then(forget)',
      ],
      'what is watched is never forgotten': ['stopWatching();', ''],
      'an abort is not noticed': ['addAbortCallback(signal, onAbort);', ';'],
    },
  ),
  ...faultsIn('node/framing', ['framing'], {
    'a line with its carriage return is too long': ['if (length > maxLength + 1)', 'if (length > maxLength)'],
    'a line may be one byte too long': ['if (line.length <= maxLength)', 'if (line.length <= maxLength + 1)'],
    'a line that is too long is not given back': ['giveBack(line);', ''],
    'a record of just the limit is refused': ['if (length > maxLength)\n', 'if (length >= maxLength)\n'],
    'a record may have any length': ['if (length > maxLength)\n', 'if (false)\n'],
    'a prefix that ends early is no error': ['length >= 0 || prefix.isPartial', 'length >= 0'],
    'a record that ends early is no error': ['length >= 0 || prefix.isPartial', 'prefix.isPartial'],
    'the rest of a line keeps its carriage return': ['return whole.split(last);', 'return whole.split(last + 1);'],
    'the last line is lost': ['if (partial.length > 0)', 'if (false)'],
    'a line that never ends is gathered': ['checkLength(partial.length + chunk.length);', ''],
  }),
  ...faultsIn('node/partial-record', ['framing'], {
    'what was gathered is not given back': [
      '[Symbol.dispose]() {\n        this.pieces.release();',
      '[Symbol.dispose]() {',
    ],
    'a piece that was copied is not given back': ['Bytes.giveBack(bytes);', ''],
    'pieces that were copied are not given back': [
      'this.pieces.release();\n        this.pieces = new BytesList();\n        return copy;',
      'this.pieces = new BytesList();\n        return copy;',
    ],
    'pieces are never copied': ['this.pieces.pieceCount < this.mostPieces', 'true'],
    'one piece more than the limit is held': [
      'this.pieces.pieceCount < this.mostPieces',
      'this.pieces.pieceCount <= this.mostPieces',
    ],
  }),
  ...faultsIn('node/bytes-list', ['bytes-list', 'framing'], {
    'a split at the end of a piece cuts it': ['rest >= lengthAt(pieces, whole)', 'rest > lengthAt(pieces, whole)'],
    'a split leaves the length': ['this.size -= at;', ''],
    'an empty piece is not given back': ['if (piece.isEmpty)\n                Bytes.giveBack(piece);', ';'],
    'an empty piece that is appended is not given back': [
      'Bytes.giveBack(bytes);\n        else {',
      ';\n        else {',
    ],
    'the first byte of a piece is looked for in the one before': [
      'if (rest < piece.length)',
      'if (rest <= piece.length)',
    ],
    'a slice begins in every piece': ['Math.max(start - offset, 0)', 'Math.max(start, 0)'],
    'a slice ends too late': ['Math.min(end - offset, piece.length)', 'Math.min(end, piece.length)'],
    'nothing is given back': ['for (const piece of pieces ?? [])\n            Bytes.giveBack(piece);', ''],
    'the cut piece is lost': ['if (cut !== undefined)\n            head.push(cut);', ''],
  }),
  ...faultsIn(
    'node/file-chunks',
    ['node-files', 'faults-aborts', 'faults-closing', 'faults-building', 'faults-streams'],
    {
      'memory for a file that was closed is not given back': ['granted?.abandon();', ''],
      'memory that comes after the end is not given back': ['else\n                buffer.abandon();', ''],
      'what was read ahead is not given back': [
        'for (const read of this.reads.splice(0))\n                read.abandon();',
        '',
      ],
      'an empty chunk is not given back': ['Bytes.giveBack(bytes);\n        return undefined;', 'return undefined;'],
      'who has ended is still asked for spare memory': ['this.arena.line.spareHolders.delete(this.onWait);', ''],
      'a file is not closed': ['if (this.file >= 0 && !isHandle(this.source)) {', 'if (false) {'],
      'memory is given back while the system reads into it': [
        'this.reads.some(({ isUnderWay }) => isUnderWay)',
        'false',
      ],
      'what spare memory held is passed over': ['this.position -= last.abandon();', 'last.abandon();'],
      'reading ahead takes what others wait for': [
        'if (this.waiting !== undefined || this.arena.line.hasWaiters)',
        'if (this.waiting !== undefined)',
      ],
      'a signal keeps its callback': ['removeAbortCallback(signal, this.onAbort);', ';'],
      'spare memory is given back while it is read into': [
        'last !== undefined && !last.isUnderWay',
        'last !== undefined',
      ],
      'a wait for memory is not ended': ['this.waiting?.abort();', ''],
      'the end may be passed': [
        'Math.min(this.options.chunkSize, claimed, this.options.end - this.position)',
        'Math.min(this.options.chunkSize, claimed)',
      ],
      'an error of closing is lost': ['if (error !== null)\n                        this.answers.fail(error);', ''],
      'a short read is the end': ['bytesRead > 0 && this.position !== null && this.filled < this.length', 'false'],
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
      'memory that comes after the end is not given back': [
        'if (this.gone.signal.aborted)\n                this.leaveStrip();',
        'if (false)\n                ;',
      ],
      'what nobody took is not given back': ['Bytes.giveBack(bytes);', ';'],
      'the reserve is not given back': ['this.reserve?.abandon();', ''],
      'the strip is not given back': ['this.strip?.abandon();', ''],
      'the strip is given back while the system writes into it': [
        'if (failure.length > 0)\n            this.answers.fail(failure[0]);',
        'if (failure.length > 0)\n            this.answers.fail(failure[0]);\n        this.leaveStrip();',
      ],
      'a wait for memory is not ended': ['this.gone.abort();', ''],
      'a socket is never stopped': ['return !this.isStopped;', 'return true;'],
      'a socket that was stopped is never resumed': ['this.socket?.resume();', ''],
      'a signal keeps its callback': ['removeAbortCallback(signal, this.onAbort);', ';'],
      'what comes without a reserve is lost': ['?? Bytes.copyFrom(data)', '?? Bytes.empty'],
      'who left is not destroyed': ['this.socket?.destroy(reason instanceof Error ? reason : undefined);', ';'],
    },
  ),
  ...faultsIn('node/read-readable', ['node-readable', 'faults-streams', 'faults-aborts', 'faults-closing'], {
    'a chunk that was begun is not given back': ['buffer?.abandon();', ''],
    'a stream that is left is not destroyed': [
      'events.stop();\n        if (!events.hasEnded)\n            source.destroy();',
      'events.stop();',
    ],
    'a stream keeps its listener': ["this.source.off('readable', this.look);", ''],
    'the error of a stream is lost': ['if (events.error)\n                        throw events.error;', ''],
    'an abort does not destroy the stream': ['if (!this.hasEnded)\n                this.source.destroy();', ''],
    'what was read is not handed out before the next comes': [
      'if (buffer !== undefined) {',
      'if (buffer !== undefined && events.hasEnded) {',
    ],
  }),
  ...faultsIn('node/web-streams', ['web-streams', 'faults-streams', 'faults-aborts', 'faults-closing'], {
    'what was begun is not given back': ['if (rest !== undefined)\n            giveBack(rest);', ''],
    'the source is not told that nobody reads on': ['await iterator.return?.();', ''],
    'what does not fit is lost': ['rest = chunk.slice(count);', ';'],
    'an empty chunk is not given back': [
      'giveBack(rest);\n                        rest = await next();',
      'rest = await next();',
    ],
    'a stream stays locked': ['reader.releaseLock();', ''],
    'a stream that is left is not cancelled': ['if (!hasEnded)\n            await cancel();', ''],
    'a source that fails is not left': ['await stop();\n                    throw error;', 'throw error;'],
  }),
  ...faultsIn('node/stoppable', ['node-readable', 'framing', 'faults-aborts', 'faults-closing'], {
    'a signal keeps its callback': ['removeAbortCallback(signal, onAbort);', ';'],
    'returning does not stop what waits': ['stop.abort(RETURNED);', ''],
    'one that has not begun leaves its source': [
      'running === undefined ? started().next() : running.return(undefined)',
      'running?.return(undefined) ?? Promise.resolve({ done: true, value: undefined })',
    ],
    'an abort before the start is not noticed': [
      'if (signal?.aborted)\n                onAbort();\n            else if',
      'if',
    ],
  }),
  ...faultsIn('node/answers', ['node-files', 'node-connect'], {
    'all who ask are told of an error': ['this.failure = undefined;\n            if (failure', 'if (failure'],
    'the last error counts': ['this.failure ??= { reason };', 'this.failure = { reason };'],
  }),
];
