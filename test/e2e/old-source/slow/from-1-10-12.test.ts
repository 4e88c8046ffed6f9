import { describeOldSource } from '../old-source-story.js';

describeOldSource('1.10.12');
