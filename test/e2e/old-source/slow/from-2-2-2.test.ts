import { describeOldSource } from '../old-source-story.js';

describeOldSource('2.2.2');
