package dev.meshlane.e2e.api;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/** A graph with circles. */
public class Node implements Serializable {
    private static final long serialVersionUID = 1L;

    public String label;
    public Node next;
    public Node self;
    public List<Node> children = new ArrayList<Node>();

    public Node() {}

    public Node(String label) {
        this.label = label;
    }
}
