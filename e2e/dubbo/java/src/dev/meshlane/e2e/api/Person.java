package dev.meshlane.e2e.api;

import java.io.Serializable;
import java.math.BigDecimal;
import java.time.LocalDateTime;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A field of nearly every type that services use. */
public class Person implements Serializable {
    private static final long serialVersionUID = 1L;

    public String name;
    public int age;
    public Long id;
    public Boolean vip;
    public Color favorite;
    public BigDecimal balance;
    public Date birth;
    public LocalDateTime seen;
    public String nothing;
    public double score;
    public byte[] photo;
    public char initial = 'x';
    public short level;
    public Address home;
    public List<Address> others;
    public Map<String, Object> more;
    public Set<String> labels;
}
