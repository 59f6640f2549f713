/**
 * What is measured without nodes and links: JMH benchmarks of the page codec, and the codec over
 * captured states of a guest. {@code nephele-testbed/bench/micro} runs the benchmarks.
 */
package org.nephele.testbed.bench;
