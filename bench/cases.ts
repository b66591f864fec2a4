/** What is measured. Each case sets a machine up and says what its driver does over and over. */
import * as c from './commands.js';
import type { Machine, Operation, Program } from './machine.js';
import { type Layout, type Picture, placePicture, squares } from './picture.js';

export interface BenchCase {
  readonly name: string;
  /** As the table of results calls it. */
  readonly title: string;
  /** One operation in flight: both sides run on one CPU, so that no idle CPU has to be woken up. */
  readonly oneCpu: boolean;
  prepare(machine: Machine): Promise<Prepared>;
}

export interface Prepared {
  readonly load: Program;
  /** Shows that what `load` did arrived where it should: its pixels are compared one by one. */
  readonly check: Program | null;
}

const SIZES = { '1080p': [1920, 1080], '4k': [3840, 2160] } as const;
type SizeName = keyof typeof SIZES;
const SQUARE = 64;
const SQUARES = 64;
/** Operations in flight where many small ones are. */
const DEEP = 64;
/** Resources that are made and destroyed at the same time. */
const CHURNING = 16;
const CURSOR_DEPTH = 8;

function program(operations: readonly Operation[], options: Partial<Program> = {}): Program {
  return { queue: 'control', operations, depth: 1, watchDisplay: false, picture: null, ...options };
}

/** The same command many times, so that many can be in flight. */
function repeated(command: c.Command, count: number): Operation[] {
  return Array.from({ length: count }, () => ({ commands: [command] }));
}

/** Resource 1 over a picture, on scanout 0. */
async function show(machine: Machine, size: SizeName, layout: Layout): Promise<Picture> {
  const [width, height] = SIZES[size];
  const picture = placePicture(machine.memory, width, height, layout);
  const { all } = picture;
  const setUp = [
    c.create(1, picture),
    c.attach(1, picture),
    c.transfer(1, picture, all),
    c.setScanout(1, all),
    c.flush(1, all),
  ];
  await machine.runOnce(setUp);
  await machine.settle();
  return picture;
}

/** Transfer and flush of these rectangles, one after the other, each seen at the display. */
function present(picture: Picture, rects: readonly Picture['all'][]): Program {
  const operations = rects.map((rect) => ({
    commands: [c.transfer(1, picture, rect), c.flush(1, rect)],
    update: rect,
  }));
  return program(operations, { watchDisplay: true, picture });
}

function transferCase(part: 'full' | '64x64', layout: Layout, size: SizeName): BenchCase {
  const full = part === 'full';
  return {
    name: `transfer-${part}-${layout}-${size}`,
    title: `${part} transfer, ${layout}, ${size}`,
    oneCpu: false,
    async prepare(machine) {
      const picture = await show(machine, size, layout);
      const rects = full ? [picture.all, picture.all] : squares(picture, SQUARE, SQUARES);
      const operations = rects.map((rect) => ({ commands: [c.transfer(1, picture, rect)] }));
      const load = program(operations, { depth: operations.length, picture });
      return { load, check: present(picture, full ? [picture.all] : rects) };
    },
  };
}

function presentCase(part: 'full' | '64x64', size: SizeName): BenchCase {
  const full = part === 'full';
  return {
    name: `present-${part}-${size}`,
    title: `${part} present, ${size}${full ? '' : ', one CPU'}`,
    oneCpu: !full,
    async prepare(machine) {
      const picture = await show(machine, size, 'scattered');
      const load = present(picture, full ? [picture.all] : squares(picture, SQUARE, SQUARES));
      return { load, check: load };
    },
  };
}

/** The commands of a resource's life without pixels: what a guest does at each change of mode or size. */
function churnCase(name: string, width: number, height: number): BenchCase {
  return {
    name: `churn-${name}`,
    title: `churn ${name}`,
    oneCpu: false,
    async prepare(machine) {
      const picture = placePicture(machine.memory, width, height, 'scattered');
      const operations = Array.from({ length: CHURNING }, (_, i) => ({
        commands: [c.create(i + 2, picture), c.attach(i + 2, picture), c.detach(i + 2), c.unref(i + 2)],
      }));
      return { load: program(operations, { depth: CHURNING }), check: null };
    },
  };
}

async function makeCursor(machine: Machine): Promise<Picture> {
  const picture = placePicture(machine.memory, 64, 64, 'scattered', true);
  const { all } = picture;
  await machine.runOnce([c.create(1, picture), c.attach(1, picture), c.transfer(1, picture, all)]);
  await machine.runOnce([c.updateCursor(1, 5, 6)]);
  await machine.settle();
  return picture;
}

function noDataCase(depth: number): BenchCase {
  return {
    name: `no-data-${depth}`,
    title: `no-data command, ${depth} in flight${depth === 1 ? ', one CPU' : ''}`,
    oneCpu: depth === 1,
    async prepare(machine) {
      // A flush of a resource that is shown nowhere: looked up, checked, answered.
      const picture = placePicture(machine.memory, 64, 64, 'scattered');
      await machine.runOnce([c.create(1, picture)]);
      const operations = repeated(c.flush(1, picture.all), depth);
      return { load: program(operations, { depth }), check: null };
    },
  };
}

const displayInfo: BenchCase = {
  name: 'display-info',
  title: 'display info, 1 in flight, one CPU',
  oneCpu: true,
  async prepare() {
    return { load: program(repeated(c.getDisplayInfo(), 1), { watchDisplay: true }), check: null };
  },
};

const cursorUpdate: BenchCase = {
  name: 'cursor-update',
  title: 'cursor update',
  oneCpu: false,
  async prepare(machine) {
    const picture = await makeCursor(machine);
    const operations = repeated(c.updateCursor(1, 10, 20), CURSOR_DEPTH);
    const load = program(operations, { queue: 'cursor', depth: CURSOR_DEPTH, watchDisplay: true, picture });
    return { load, check: load };
  },
};

const cursorMove: BenchCase = {
  name: 'cursor-move',
  title: 'cursor move',
  oneCpu: false,
  async prepare(machine) {
    const picture = await makeCursor(machine);
    const operations = Array.from({ length: CURSOR_DEPTH }, (_, i) => ({
      commands: [c.moveCursor(i, i + 1)],
    }));
    const load = program(operations, { queue: 'cursor', depth: CURSOR_DEPTH, watchDisplay: true, picture });
    return { load, check: null };
  },
};

const SIZE_NAMES = Object.keys(SIZES) as SizeName[];
const LAYOUTS: readonly Layout[] = ['scattered', 'contiguous'];
const PARTS = ['full', '64x64'] as const;

export const CASES: readonly BenchCase[] = [
  noDataCase(DEEP),
  noDataCase(1),
  displayInfo,
  ...PARTS.flatMap((part) =>
    LAYOUTS.flatMap((layout) => SIZE_NAMES.map((size) => transferCase(part, layout, size))),
  ),
  ...PARTS.flatMap((part) => SIZE_NAMES.map((size) => presentCase(part, size))),
  churnCase('64x64', 64, 64),
  churnCase('1080p', 1920, 1080),
  cursorUpdate,
  cursorMove,
];
