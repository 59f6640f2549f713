package org.nephele.client;

import java.util.ArrayList;
import java.util.List;

/** Rows under headings, left-aligned. */
public final class Table {
  private static final int GAP = 2;
  private static final int NARROWEST = 8;

  private final List<String> headings;
  private final int[] widths;
  private final boolean[] whole;
  private final List<List<String>> rows = new ArrayList<>();

  /** Headings; {@link #widths} may say how wide the columns are at least. */
  public Table(String... headings) {
    this.headings = List.of(headings);
    this.widths = new int[headings.length];
    this.whole = new boolean[headings.length];
  }

  /** The least widths of the columns, gaps included, in characters. */
  public Table widths(int... least) {
    System.arraycopy(least, 0, widths, 0, least.length);
    return this;
  }

  /** Columns that are never cut, as somebody will want to copy what stands there. */
  public Table whole(int... columns) {
    for (int column : columns) {
      whole[column] = true;
    }
    return this;
  }

  /** Cells as a node sent them; they are cleaned here. */
  public void add(String... cells) {
    List<String> row = new ArrayList<>();
    for (String cell : cells) {
      row.add(Text.clean(cell));
    }
    rows.add(row);
  }

  /**
   * For a person, cells are cut so that a line fits the terminal, the longest columns first; for a
   * program they are whole.
   */
  public void print(Console console) {
    int columns = headings.size();
    int[] longest = new int[columns];
    for (int c = 0; c < columns; c++) {
      longest[c] = headings.get(c).length();
      for (List<String> row : rows) {
        longest[c] = Math.max(longest[c], length(row.get(c)));
      }
    }
    if (console.outIsTerminal()) {
      fit(longest, console.columns());
    }
    StringBuilder text = new StringBuilder();
    line(text, headings, longest);
    rows.forEach(row -> line(text, row, longest));
    console.out().print(text);
    console.out().flush();
  }

  /** Takes from the widest column until the line fits, or nothing is left to take. */
  private void fit(int[] longest, int terminal) {
    while (true) {
      int sum = 0;
      int widest = -1;
      for (int c = 0; c < longest.length; c++) {
        sum += c + 1 < longest.length ? Math.max(widths[c], longest[c] + GAP) : longest[c];
        boolean cuttable = !whole[c] && longest[c] > least(c);
        if (cuttable && (widest < 0 || longest[c] > longest[widest])) {
          widest = c;
        }
      }
      if (sum <= terminal || widest < 0) {
        return;
      }
      int some = Math.max(1, (sum - terminal) / 2);
      longest[widest] = Math.max(least(widest), longest[widest] - some);
    }
  }

  private int least(int column) {
    return Math.max(NARROWEST, headings.get(column).length());
  }

  private void line(StringBuilder text, List<String> cells, int[] longest) {
    for (int c = 0; c < cells.size(); c++) {
      String cell = Text.cut(cells.get(c), longest[c]);
      text.append(cell);
      if (c + 1 < cells.size()) {
        int width = Math.max(widths[c], longest[c] + GAP);
        text.append(" ".repeat(width - length(cell)));
      }
    }
    text.append('\n');
  }

  private static int length(String text) {
    return text.codePointCount(0, text.length());
  }
}
