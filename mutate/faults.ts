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
  ...faultsIn('handles', ['bytes-lifecycle', 'bytes-slicing', 'bytes-view', 'spill', 'bytes-mut', 'bytes-owned'], {
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
    'a spill is not counted': ['allocation.owner.countSpill();', ''],
    'a spill keeps the slot': [
      'allocation.owner.countSpill();\n        allocation.owner.release(allocation);',
      'allocation.owner.countSpill();',
    ],
    'growing on the heap counts as a spill': ['if (isOnHeap(allocation))\n            return;', ''],
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
      'this.release();\n            return EMPTY_TICKET;',
      'return EMPTY_TICKET;',
    ],
    'a buffer can be frozen twice': [
      'dirtyEnd = this.cursor;\n        this.allocation = SPENT;',
      'dirtyEnd = this.cursor;',
    ],
  }),
  ...faultsIn('writer', ['writers', 'spill', 'init-policy', 'bytes-mut'], {
    'putSlice() writes one byte into the neighbour': [
      'if (at + byteCount > this.allocation.limit)',
      'if (at + byteCount > this.allocation.limit + 1)',
    ],
    'a value is written into the neighbour': [
      'return at + byteCount <= this.allocation.limit ? at',
      'return at + byteCount <= this.allocation.limit + 1 ? at',
    ],
    'advanceMut() goes one byte too far': ['if (byteCount > remaining)', 'if (byteCount > remaining + 1)'],
    'what was lent for writing is not noted': ['allocation.dirtyEnd = allocation.limit;', ''],
    'a source in the memory that is given back is not copied': [
      'const safe = ownMemory ? new Uint8Array(source) : source;',
      'const safe = source;',
    ],
    'a full buffer that spills lends nothing': [
      'if (this.cursor === allocation.limit && this.grows(allocation))',
      'if (false)',
    ],
    'tryPutSlice() refuses what just fits': ['> this.remainingMut())', '>= this.remainingMut())'],
    'growing asks for the preferred size only': ['if (preferred === needed)', 'if (true)'],
    'growing copies from the wrong place': ['memory.view(start, start + used)', 'memory.view(0, used)'],
    'length counts from the block': [
      'return this.cursor - this.live().start;',
      'return this.cursor - this.live().offset;',
    ],
  }),
  ...faultsIn('compare', ['bytes-compare'], {
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
  ...faultsIn('raw-region', ['raw-region', 'init-policy', 'collector'], {
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
  ...faultsIn('allocation', ['bytes-view', 'collector', 'guarded'], {
    'a view of another length is lent again': [' || view.length !== length', ''],
    'a view of another place is lent again': [' || this.viewOffset !== offset', ''],
    'lending is not noted': ['this.owner.lend(this);', ''],
    'a view outlives the memory it was over': [
      'this.limit = limit;\n        this.view = undefined;',
      'this.limit = limit;',
    ],
  }),
  ...faultsIn('engine', ['init-policy', 'collector', 'metrics', 'close', 'from-raw', 'zero-policy.property'], {
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
      'if (live > counters[LEAKS_PINNED])\n            return;',
      '',
    ],
    'dealloc twice': ['dealloc();\n', 'dealloc();\n            dealloc();\n'],
    'the error of a dealloc is lost': ['throwLater(error);', ''],
    'a closed arena is not kept for its dealloc': ['closing.add(this);', ''],
    'a failed claim is not counted': [
      'this.count(ALLOCATIONS_FAILED);\n        return undefined;',
      'return undefined;',
    ],
    'a release counts one unit off': ['this.liveUnits -= 1 << order;', 'this.liveUnits -= 1;'],
    'a claim counts one unit': ['this.liveUnits += 1 << order;', 'this.liveUnits += 1;'],
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
  }),
  ...faultsIn('free-bitmap', ['free-bitmap', 'fixed-arena.property', 'buddy-arena.property'], {
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
  ...faultsIn('buddy-blocks', ['buddy-arena', 'buddy-arena.property', 'reservation'], {
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
  ...faultsIn('geometry', ['buddy-geometry', 'alignment'], {
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
  ...faultsIn('backing', ['from-raw', 'from-wasm', 'alignment'], {
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
  ...faultsIn('memory', ['from-wasm', 'moving-memory', 'zero-policy-threads', 'prefault', 'from-raw'], {
    'memory that grew is not followed': [
      'this.fields = undefined;\n            this.wide = undefined;\n            return this.window;',
      'return this.window;',
    ],
    'the head of shared memory is not scrubbed': ['if (head !== start)', 'if (false)'],
    'the tail of shared memory is not scrubbed': ['if (tail !== end)', 'if (false)'],
    'shared memory is scrubbed from a byte too early': [
      '((byteOffset + start + 7) / 8) | 0',
      '((byteOffset + start) / 8) | 0',
    ],
    'what is left of shrunk memory is not scrubbed': ['if (left > 0)', 'if (false)'],
  }),
  ...faultsIn('fixed-arena', ['fixed-arena'], {
    'a slot is too small for its capacity': ['if (length > this.slotCapacity)', 'if (length >= this.slotCapacity)'],
    'an arena capacity is rounded down': [
      'Math.ceil(arenaCapacity / slotCount)',
      'Math.floor(arenaCapacity / slotCount)',
    ],
    'a slot is not aligned': ['const unit = alignUp(slotCapacity, alignment);', 'const unit = slotCapacity;'],
    'closing rejects nobody that waits': ['super.close();\n        this.line.close();', 'super.close();'],
  }),
  ...faultsIn('buddy-arena', ['buddy-arena', 'buddy-geometry'], {
    'a capped capacity is the whole block': ['return this.capsCapacity ? length :', 'return false ? length :'],
    'a length of just a block takes two': [
      'Math.clz32((length - 1) / this.minBlockSize)',
      'Math.clz32(length / this.minBlockSize)',
    ],
    'more than the arena waits for ever': ['if (length > this.totalSize)', 'if (false)'],
    'closing rejects nobody that waits': ['super.close();\n        this.line.close();', 'super.close();'],
  }),
  ...faultsIn('reservation', ['reservation', 'waiting-buddy'], {
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
    'wait-line',
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
  ...faultsIn('notify-waiters', ['waiting', 'waiting-buddy', 'waiting-strategy', 'waiting.property'], {
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
    'who was revoked stays in line': ['this.line.remove(this);\n        this.inLine = false;', 'this.inLine = false;'],
  }),
];
