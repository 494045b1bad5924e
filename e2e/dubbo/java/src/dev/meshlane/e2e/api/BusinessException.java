package dev.meshlane.e2e.api;

/** A declared exception with fields of its own. */
public class BusinessException extends Exception {
    private static final long serialVersionUID = 1L;

    private String reason;
    private Address where;

    public BusinessException() {}

    public BusinessException(String reason, String message, Address where) {
        super(message);
        this.reason = reason;
        this.where = where;
    }

    public String getReason() {
        return reason;
    }

    public Address getWhere() {
        return where;
    }
}
