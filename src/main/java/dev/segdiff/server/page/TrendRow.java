package dev.segdiff.server.page;

import dev.segdiff.segment.SegmentTrends.Day;
import dev.segdiff.segment.SegmentTrends.Trend;
import java.util.ArrayList;
import java.util.List;

/** A segment on the page, with its bars of added and removed contacts. */
record TrendRow(String segment, String contacts, String added, String removed, List<Bar> bars) {
    private static final int PITCH = 6;
    private static final int HEIGHT = 16;

    /** The bar of one day, in units of the picture. Added contacts go up from the middle, removed contacts go down. */
    record Bar(int x, String title, int upY, int upHeight, int downHeight) {}

    static TrendRow of(Trend trend) {
        return new TrendRow(
                trend.key().toString(),
                Phrases.number(trend.contacts()),
                Phrases.number(trend.added()),
                Phrases.number(trend.removed()),
                bars(trend.days()));
    }

    private static List<Bar> bars(List<Day> days) {
        long most = days.stream()
                .mapToLong(day -> Math.max(day.added(), day.removed()))
                .max()
                .orElse(1);
        List<Bar> bars = new ArrayList<>();
        for (Day day : days) {
            int up = height(day.added(), most);
            bars.add(new Bar(
                    bars.size() * PITCH,
                    day.day() + ": +" + Phrases.number(day.added()) + " −" + Phrases.number(day.removed()),
                    HEIGHT - up,
                    up,
                    height(day.removed(), most)));
        }
        return bars;
    }

    /** The height of a bar. A number above 0 always has a bar that can be seen. */
    private static int height(long amount, long most) {
        return amount == 0 ? 0 : (int) Math.max(1, Math.round((double) amount * HEIGHT / most));
    }
}
