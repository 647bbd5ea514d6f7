import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Whose files start processes, and take minutes where others take seconds. */
const long = ["/test/process/", "/test/canary/", "/test/cli/", "/test/storage/embedded/", "/test/browser/"];

/** Long files begin first, so that the workers end together; by what they took last time, where that is known. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => long.some((folder) => moduleId.includes(folder));
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}
